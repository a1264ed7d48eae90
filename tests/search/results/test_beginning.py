"""A study goes on with the images that it began with, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.data.made_anomalies import VERSION
from memgan.errors import StudyError
from search.report import Report
from search.results.beginning import (
    beginning_of,
    check_same_made_anomalies,
    read_beginning,
    write_beginning,
)
from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow.export_again import export_study
from search.workflow.preparation import anchored, prepare, prepare_again
from search.workflow.stages import resume


def _draw(folder: Path, numbers: range, seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, numbers.start])
    for number in numbers:
        pixels = rng.integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    _draw(tmp_path / "photos" / "good", range(12))
    _draw(tmp_path / "photos" / "bad", range(12), seed=1)
    return tmp_path / "photos"


@pytest.fixture
def begun(photos: Path, tmp_path: Path) -> StudyFolder:
    """A study that has begun, and nothing more."""
    study = anchored(
        Study(
            name="mine",
            data={"source": str(photos)},
            detector="pca",
            space={"components": [2, 4]},
            budget={"trials": 1},
        )
    )
    study, split, groups = prepare(study, download=False)
    folder = StudyFolder(tmp_path / "results", "mine")
    folder.create(study, beginning_of(split, groups))
    return folder


def test_a_study_knows_where_weights_lie_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = {"name": "mine", "detector": "pca", "budget": {"trials": 1}}
    fixed = anchored(
        Study(**common, space={"components": [2, 4]}, fixed={"features.weights": "own/a.pth"})
    )
    assert fixed.fixed["features.weights"] == str(tmp_path / "own" / "a.pth")
    nested = anchored(
        Study(
            **common,
            space={"components": [2, 4]},
            fixed={"features": {"weights": "own/a.pth", "backbone": "resnet18"}},
        )
    )
    assert nested.fixed == {
        "features.weights": str(tmp_path / "own" / "a.pth"),
        "features.backbone": "resnet18",
    }
    searched = anchored(
        Study(
            **common,
            space={"features.weights": ["a.pth", "b.pth"]},
            start_from=({"features.weights": "b.pth"},),
        )
    )
    assert searched.search_space["features.weights"].ends() == (
        str(tmp_path / "a.pth"),
        str(tmp_path / "b.pth"),
    )
    assert searched.points() == [{"features.weights": str(tmp_path / "b.pth")}]
    for study in (fixed, nested, searched):
        assert anchored(study) == study


def _more(photos: Path) -> None:
    _draw(photos / "good", range(100, 103))


def _renamed(photos: Path) -> None:
    (photos / "bad").rename(photos / "broken")


def _gone(photos: Path) -> None:
    shutil.rmtree(photos)


def _touched_up(photos: Path) -> None:
    _draw(photos / "bad", range(3, 4), seed=7)


CHANGES = [
    (_more, "class good had 12 images and has 15"),
    (_renamed, "class bad is gone; class broken is new"),
    (_gone, "the images that study mine began with cannot be read"),
    (_touched_up, "their pixels or their order differ"),
]


@pytest.mark.parametrize(("change", "what"), CHANGES)
@pytest.mark.parametrize("go_on", [resume, export_study])
def test_other_images_are_refused_with_what_differs(
    begun: StudyFolder,
    photos: Path,
    change: Callable[[Path], None],
    what: str,
    go_on: Callable[..., object],
) -> None:
    change(photos)
    before = {path: path.read_bytes() for path in begun.path.iterdir()}

    with pytest.raises(StudyError, match=what) as refused:
        go_on("mine", results=begun.results)

    assert "\n" not in str(refused.value)
    assert {path: path.read_bytes() for path in begun.path.iterdir() if path.is_file()} == before


def test_the_same_images_are_gone_on_with(begun: StudyFolder) -> None:
    notes: list[str] = []

    _, split, groups = prepare_again(begun.load(), begun, download=False, note=notes.append)

    assert not notes
    assert read_beginning(begun.path) == beginning_of(split, groups)


def test_a_study_of_an_earlier_version_says_that_it_cannot_compare(begun: StudyFolder) -> None:
    (begun.path / "beginning.json").unlink()
    notes: list[str] = []

    prepare_again(begun.load(), begun, download=False, note=notes.append)

    assert len(notes) == 1
    assert "earlier version" in notes[0]


@pytest.fixture
def without_labels(photos: Path, tmp_path: Path) -> StudyFolder:
    """A study that was begun and is judged by made anomalies."""
    study = Study(
        name="blind",
        data={"source": str(photos)},
        normal_class="good",
        detector="pca",
        objective="label-free",
        space={"components": [2, 4]},
        budget={"trials": 1},
    )
    study, split, groups = prepare(anchored(study), download=False)
    folder = StudyFolder(tmp_path / "results", "blind")
    folder.create(study, beginning_of(split, groups))
    return folder


@pytest.mark.parametrize("earlier", ["another version", "none", "no file"])
def test_old_and_new_made_anomalies_never_judge_one_study(
    without_labels: StudyFolder, earlier: str
) -> None:
    begun = read_beginning(without_labels.path)
    assert begun is not None
    assert begun.made_anomalies == VERSION
    versions = {"another version": VERSION - 1, "none": None}
    if earlier == "no file":
        (without_labels.path / "beginning.json").unlink()
    else:
        old = begun.model_copy(update={"made_anomalies": versions[earlier]})
        write_beginning(without_labels.path, old)
    before = {path: path.read_bytes() for path in without_labels.path.iterdir()}

    with pytest.raises(StudyError, match="old and new figures do not compare") as refused:
        resume("blind", results=without_labels.results)

    assert "\n" not in str(refused.value)
    assert {path: path.read_bytes() for path in without_labels.path.iterdir()} == before


def test_made_anomalies_are_no_matter_where_labels_judge(begun: StudyFolder) -> None:
    started = read_beginning(begun.path)
    assert started is not None
    assert started.made_anomalies is None
    check_same_made_anomalies("mine", started, "val-auroc")


def test_an_earlier_study_that_came_to_its_end_is_compared_by_its_report(
    begun: StudyFolder, photos: Path, make_report: Callable[..., Report]
) -> None:
    (begun.path / "beginning.json").unlink()
    report = make_report(begun.load(), ["bad", "good"], split_hash="0" * 64).document()
    content = {"runtime": {"device": "cpu", "threads": 1}, "anchors": {}, "report": report}
    (begun.path / "conclusion.json").write_text(json.dumps(content))

    with pytest.raises(StudyError, match="began with other images of photos"):
        prepare_again(begun.load(), begun, download=False, note=lambda line: None)


@pytest.mark.parametrize("content", [b"", b"{", b"\0\0\0", b"[]", b'{"split_hash": 1}'])
def test_a_damaged_beginning_is_named(begun: StudyFolder, content: bytes) -> None:
    (begun.path / "beginning.json").write_bytes(content)

    with pytest.raises(StudyError, match=r"beginning\.json cannot be read"):
        resume("mine", results=begun.results)


def test_what_was_written_is_read_back(begun: StudyFolder, tmp_path: Path) -> None:
    found = read_beginning(begun.path)
    assert found is not None

    write_beginning(tmp_path, found)

    assert read_beginning(tmp_path) == found
    assert found.images["train"].keys() == {"bad", "good"}
