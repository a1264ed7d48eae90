"""A concluded study's export, written once more from only the study's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from memgan.bundle import check_rate
from memgan.data import check_outside_images
from memgan.errors import StudyError
from search.finals import Concluded, Winner
from search.journal import TrialsResult, check_journal
from search.report import Report, read_conclusion, write_export
from search.results import StudyFolder, mirror_of
from search.trials import read_outcomes
from search.workflow.conclusion import run_ids
from search.workflow.preparation import make_record, prepare_again


def export_study(
    name: str,
    *,
    results: Path | str = "results",
    out: Path | None = None,
    false_alarm_rate: float | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> Report:
    """Write a concluded study's export once more; gives its report.

    false_alarm_rate: of normal images, in (0, 1), that bundles may flag; None leaves 0.05.
    StudyError where the study has no finals yet, or its images are not those it began with;
    note: see `prepare_again`. ConfigError for a rate out of range.
    """
    if false_alarm_rate is not None:
        check_rate(false_alarm_rate)
    folder = StudyFolder.at(results, name)
    mirror_of(folder)
    study = folder.load()
    if out is not None:
        check_outside_images(study.data, out, "--out")
    check_journal(folder)
    study, split, groups = prepare_again(study, folder, download=False, note=note)
    winners = [
        Winner(group, best)
        for group in groups
        if (best := TrialsResult(tuple(read_outcomes(group, folder))).best)
    ]
    conclusion = read_conclusion(folder)
    if conclusion is None:
        raise StudyError(_why_not_yet(folder, begun_again=False))
    ids = run_ids(make_record(study, folder, split), winners)
    concluded = Concluded.load(study, folder, split, winners, ids, conclusion.beside)
    if len(winners) < len(groups) or not concluded.complete:
        raise StudyError(_why_not_yet(folder, begun_again=True))
    return write_export(concluded, out or folder.export, false_alarm_rate)


def _why_not_yet(folder: StudyFolder, *, begun_again: bool) -> str:
    """Why a study has not all that an export is made from, and what to do."""
    holder = folder.held_by()
    then = (
        f"it is being searched by {holder}; wait for its end"
        if holder
        else f"run {folder.go_on_command()}"
    )
    if not begun_again:
        return f"study {folder.name} has no finals yet; {then}"
    return (
        f"study {folder.name} has gone on since its last finals, and its present best has none yet;"
        f" {then}; the last export stays in {folder.export}"
    )
