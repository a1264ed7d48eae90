"""Which experiment of a store holds a study's runs, found from the store only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracking import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracking.stores import RecordReader, RunView


def experiments_of_study(
    record: RecordReader, study: str, beginning: str = ""
) -> Mapping[str, str]:
    """The experiment that each study of a name has its runs in, by the study's id.

    beginning: how the ids begin. An experiment of the study's name may hold another study's runs,
    and one that a study was moved away from keeps its older copy: of several the newest counts.
    """
    newest: dict[str, tuple[tuple[int, int, bool], str]] = {}
    for name in record.experiments():
        experiment = record.find_experiment(name)
        if experiment is None:
            continue
        runs = record.runs(experiment, {names.KIND: "study", names.STUDY: study})
        if not runs and name == study:  # Somebody may have deleted the study's own run.
            runs = record.runs(experiment, {names.KIND: names.FINAL, names.STUDY: study})
        for run in runs:
            study_id = run.tags.get(names.STUDY_ID, "")
            found = _age(run, elsewhere=name != study), experiment
            if study_id.startswith(beginning) and found > newest.get(
                study_id, ((-1, 0, False), "")
            ):
                newest[study_id] = found
    return {study_id: experiment for study_id, (_, experiment) in newest.items()}


def studies(record: RecordReader) -> list[str]:
    """The names of all studies that say what they are called, sorted."""
    experiments = [record.find_experiment(name) for name in record.experiments()]
    runs = [run for e in experiments if e for run in record.runs(e, {names.KIND: "study"})]
    return sorted({run.tags[names.STUDY] for run in runs if names.STUDY in run.tags})


def _age(run: RunView, *, elsewhere: bool) -> tuple[int, int, bool]:
    """The larger, the newer. An earlier version left no time of a move, which leads away from the
    study's own experiment as a rule."""
    moved = run.tags.get(names.MOVED, "")
    return int(moved) if moved.isdecimal() else 0, run.end or 0, elsewhere


def unnamed_finals(record: RecordReader, study: str) -> list[RunView] | None:
    """The finals in the experiment of a study's name that do not say whose they are; None where
    there is no such experiment, or where it holds other studies only."""
    own = record.find_experiment(study)
    if own is None:
        return None
    finals = record.runs(own, {names.KIND: names.FINAL})
    unnamed = [run for run in finals if names.STUDY not in run.tags]
    others = bool(finals) or bool(record.runs(own, {names.KIND: "study"}))
    return None if others and not unnamed else unnamed
