"""What judges a study's trials is settled by its images, before anything begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from memgan.config import Runtime
from memgan.errors import DataError
from search.study.study import Study
from search.workflow.preparation import classes_as_one, features_of, prepare, study_params


def study_of(source: Path | str, **values: object) -> Study:
    return Study(
        data={"source": str(source)}, detector="pca", space={"components": [2, 4]}, **values
    )


@pytest.fixture
def normals_alone(tmp_path: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "good.npz", x=images, y=np.array(["good"] * 30))
    return tmp_path / "good.npz"


def test_labels_judge_where_there_are_any() -> None:
    study, split, _ = prepare(study_of("digits"), download=False)

    assert study.objective == "val-auroc"
    assert split.development.made_anomalies is None


def test_normals_alone_are_searched_without_labels(normals_alone: Path) -> None:
    study, split, (group,) = prepare(study_of(normals_alone), download=False)

    assert study.objective == "label-free"
    assert split.development.made_anomalies is not None
    assert set(split.development.made_anomalies) == set(group.classes) == {"good"}


def test_labels_that_are_asked_for_and_absent_are_missed(normals_alone: Path) -> None:
    with pytest.raises(DataError, match="--objective label-free"):
        prepare(study_of(normals_alone, objective="val-auroc"), download=False)


def test_labels_can_be_left_out_of_account() -> None:
    asked = study_of("digits", objective="label-free", normal_class="3")

    study, split, _ = prepare(asked, download=False)

    images, anomalous = split.development.validation_of("3")
    held_out = split.development.validation.of_class("3")
    assert study == asked
    np.testing.assert_array_equal(images[~anomalous], held_out)
    kinds = split.development.made_kinds("3")
    assert set(kinds) == {"small-patch", "large-patch", "scar", "blotch", "rotation"}
    assert len(images) == (1 + len(kinds)) * len(held_out)


@pytest.mark.parametrize(
    ("detector", "protocol", "packing", "expected"),
    [
        ("memgan", "shared", "auto", 10),
        ("memgan", "shared", "off", 0),
        ("memgan", "per-class", "on", 0),
        ("memgan-plus", "shared", "on", 0),
        ("pca", "shared", "on", 0),
    ],
)
def test_how_many_classes_are_trained_as_one_is_known_before_the_first_trial(
    detector: str, protocol: str, packing: str, expected: int
) -> None:
    space = {"components": [2, 4]} if detector == "pca" else {"width": [2, 4]}
    study = Study(data={"source": "digits"}, detector=detector, protocol=protocol, space=space)
    study, split, groups = prepare(study, download=False)
    runtime = Runtime.model_validate({"device": "cpu", "packing": packing})

    found = classes_as_one(study, groups, split.development, runtime)

    assert found == expected
    assert study_params(study, found)["classes_as_one"] == expected
    assert study_params(study)["trial_seeds"] == 1
    thrice = study.model_copy(update={"trial_seeds": 3})
    as_one = classes_as_one(thrice, groups, split.development, runtime)
    assert as_one == (3 if protocol == "per-class" else 3 * expected)


def test_a_backbone_that_some_trial_needs_is_missed_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMGAN_BACKBONES", str(tmp_path))
    space = {"features.backbone": {"choice": ["filters", "resnet18"]}, "features.size": [32, 64]}
    study = Study(data={"source": "digits"}, detector="neighbours", space=space)

    with pytest.raises(DataError, match=r"weights of resnet18 are not here.*--download"):
        prepare(study, download=False)


def test_features_of_all_trials_are_known_before_they_run() -> None:
    space = {"features.size": [32, 64], "neighbours": [1, 2, 3]}
    fixed = {"features": {"backbone": "filters"}}
    study = Study(data={"source": "digits"}, detector="neighbours", space=space, fixed=fixed)

    found = features_of(study)

    assert [(one.backbone, one.size) for one in found] == [("filters", 32), ("filters", 64)]
    assert features_of(study_of("digits")) == []
    prepare(study, download=False)


def test_the_record_says_where_validation_borrowed_its_anomalies() -> None:
    study = Study.default()
    lending = study.with_settings(["data.validation=from-test"])

    assert study_params(lending)["validation"] == "from-test"
    assert "validation" not in study_params(study)
