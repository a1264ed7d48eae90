"""A study's name is checked wherever one is given: it becomes part of a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from memgan.errors import StudyError
from search.cli.app import run
from search.results.study_folder import StudyFolder, studies
from search.study.study import Study

ELSEWHERE = "../../other/studies/mine"


@pytest.fixture
def other(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder(tmp_path / "other", "mine")
    folder.create(Study.default().with_options(name="mine"))
    (tmp_path / "results" / "studies").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", [ELSEWHERE, "..", ".", "", "a/b", ".hidden", "a\n", "x" * 101])
def test_a_path_is_no_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="is no study's name"):
        StudyFolder.at(tmp_path, name)


@pytest.mark.parametrize(
    "command",
    [
        ["studies", "delete", ELSEWHERE, "--yes"],
        ["studies", "status", ELSEWHERE],
        ["export", ELSEWHERE],
        ["export", ELSEWHERE, "--register", "model"],
        ["search", "--resume", ELSEWHERE],
        ["search", "--set", f"start_from=[{{study: {ELSEWHERE}}}]"],
    ],
)
def test_no_command_takes_a_path_for_a_name(
    command: list[str], other: StudyFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in other.results.rglob("*")}
    assert run([*command, "--results", str(tmp_path / "results")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in other.results.rglob("*")} == before


def test_a_folder_that_no_study_can_be_called_after_is_not_listed(other: StudyFolder) -> None:
    strange = other.path.with_name("not a name")
    strange.mkdir()
    (strange / "study.yaml").write_text("name: mine")
    assert [found.name for found in studies(other.results)] == ["mine"]
