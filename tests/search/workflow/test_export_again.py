"""An export that cannot be written yet says why."""

from __future__ import annotations

from pathlib import Path

from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow.export_again import _why_not_yet


def test_an_export_while_a_study_goes_on_says_so(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(Study.default().with_options(name="mine"))

    assert "has no finals yet; run" in _why_not_yet(folder, begun_again=False)
    with folder.lock():
        line = _why_not_yet(folder, begun_again=True)

    assert "has gone on since its last finals" in line
    assert "is being searched by process" in line
    assert str(folder.export) in line
