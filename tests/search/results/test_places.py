"""Places that overlap: results among the images, and a study's folder that was copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.errors import StudyError
from search.cli.app import run
from search.results.places import check_not_a_copy
from search.results.study_folder import StudyFolder
from search.study.study import Study
from tracking import Outbox
from tracking.outbox.outbox import EXPERIMENT


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two classes of images."""
    folder = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for name in ("good", "bad"):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--results", "good/results"],
        ["--results", "."],
        ["--results", "../results", "--tracking-uri", "sqlite:///record.db"],
    ],
)
def test_nothing_is_written_among_the_images(
    options: list[str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(photos.parent.rglob("*"))
    assert run(["search", "--data", ".", "--name", "inside", *options]) == 2
    told = capsys.readouterr().err
    assert "lies among the images" in told
    assert len(told.splitlines()) == 1
    assert sorted(photos.parent.rglob("*")) == before


@pytest.fixture
def copied(tmp_path: Path) -> StudyFolder:
    """A copy of study mine beside it."""
    folder = StudyFolder(tmp_path / "results", "mine")
    folder.create(Study.default().with_options(name="mine"))
    Outbox(folder.outbox).set_fact(EXPERIMENT, "mine")
    shutil.copytree(folder.path, folder.path.with_name("copy"))
    return StudyFolder(folder.results, "copy")


@pytest.mark.parametrize("command", [["search", "--resume", "copy"], ["sync", "copy"]])
def test_a_copied_study_does_not_write_into_the_original_s_runs(
    command: list[str], copied: StudyFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--results", str(copied.results)]) == 2
    assert "is a copy of study mine" in capsys.readouterr().err
    assert [path.name for path in copied.results.iterdir()] == ["studies"]  # No record is made.


def test_a_study_in_its_own_folder_is_no_copy(copied: StudyFolder) -> None:
    study = copied.load()
    check_not_a_copy(StudyFolder(copied.results, "mine"), study)
    with pytest.raises(StudyError, match="is a copy of study mine"):
        check_not_a_copy(copied, study)
