"""What the user of a new study is told before its first trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.study.from_data import choice_lines, study_of_data
from search.study.study import Study
from search.workflow.preparation import prepare
from search.workflow.stages import _worth_knowing


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """Files of 16 bits from a camera of 12."""
    rng = np.random.default_rng(0)
    for name in ("bad", "good"):
        (tmp_path / "camera" / name).mkdir(parents=True)
        for number in range(12):
            values = rng.integers(0, 4096, (8, 8)).astype(np.uint16)
            Image.fromarray(values).save(tmp_path / "camera" / name / f"{number}.png")
    return tmp_path / "camera"


@pytest.mark.parametrize("objective", ["val-auroc", "label-free"])
@pytest.mark.parametrize(("white", "told"), [(None, True), (4095, False)])
def test_images_that_lose_grey_levels_are_told(
    camera: Path, objective: str, white: int | None, told: bool
) -> None:
    study = Study(
        data={"source": str(camera), "white_level": white},
        detector="pca",
        objective=objective,
        normal_class="good",
        space={"components": [2, 4]},
    )

    lines = _worth_knowing(*prepare(study, download=False))

    assert any("become 17 grey levels; set data.white_level" in line for line in lines) is told


def test_what_was_chosen_from_the_images_is_told_first(camera: Path) -> None:
    options = {"source": str(camera), "normal_class": "good", "detector": "autoencoder"}
    study = study_of_data(options)

    lines = _worth_knowing(*prepare(study, download=False))

    assert lines[: len(study.chosen or {})] == choice_lines(study)
    assert not any("steps, and few detectors" in line for line in lines)
    few = study_of_data({**options, "epochs": 2})
    assert any("are 2 steps, and" in line for line in _worth_knowing(*prepare(few, download=False)))
