"""A whole study: trials, winners, finals, export, record. What `memgan search` runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from memgan.data import Split
from memgan.errors import MemganError, OutOfSpace
from memgan.stats import judging_lines
from search.finals import Winner
from search.journal import TrialsResult, check_journal, mend_journal, settle_starts
from search.ray import allot, check_address, check_outlives_job, connect, is_own, preflight
from search.report import fronts
from search.results import (
    ROOM_TO_GO_ON,
    Mirror,
    NewStudy,
    StudyFolder,
    beginning_of,
    check_not_a_copy,
    check_places,
    check_same_made_anomalies,
    is_full,
    mirror_of,
    out_of_space,
    read_beginning,
    why_no_room,
    write_beginning,
)
from search.stopping import Stop, current, is_interruption, stoppable
from search.study import ClassGroup, Study, doubts
from search.trials import lost, read_outcomes, run_trials
from search.workflow.conclusion import Conclusion, conclude
from search.workflow.ending import ending, no_winner
from search.workflow.extension import extended
from search.workflow.live_progress import LiveProgress
from search.workflow.preparation import anchored, make_record, prepare, prepare_again, study_params
from search.workflow.study_result import StudyResult
from tracking import (
    Location,
    Record,
    Remainder,
    WriterProcess,
    resolve,
    settle,
    start_writer,
)
from tracking.address import sync_command

Note = Callable[[str], None]


@stoppable()
def run(
    study: Study,
    *,
    results: Path | str = "results",
    tracking_uri: str | None = None,
    address: str | None = None,
    download: bool = False,
    note: Note = lambda line: None,
) -> StudyResult:
    """Run a new study to its end, or until SIGINT or SIGTERM, which mean the same.

    note: told a line for each thing worth knowing on the way. StudyError if the name is taken or
    the folder cannot be written, DataError for images that do not serve, TrackingUnavailable if
    the tracking address does not answer at the start: nothing is then left behind.
    """
    check_outlives_job(results)
    folder = StudyFolder.at(results, study.name)
    study = anchored(settle_starts(study, folder.results))
    check_address(address)
    location = resolve(tracking_uri, folder.where)
    check_places(study.data, folder, location)
    mirror = mirror_of(folder)
    folder.check_free()  # Before anything is loaded.
    study, split, groups = prepare(study, download)
    began = beginning_of(split, groups)
    with NewStudy(study, folder, location.uri, began) as new_study:
        return _conduct(
            study,
            folder,
            mirror,
            split,
            groups,
            location,
            address,
            note,
            new_study,
            worth_knowing=_worth_knowing(study, split, groups),
        )


@stoppable()
def resume(
    name: str,
    *,
    results: Path | str = "results",
    options: dict[str, Any] | None = None,
    settings: Sequence[str] = (),
    tracking_uri: str | None = None,
    address: str | None = None,
    download: bool = False,
    mend: bool = False,
    note: Note = lambda line: None,
) -> StudyResult:
    """Go on with a stopped or killed study; more `trials` or `time_budget` extend it. Resources
    may be others, as the machine may be another.

    mend: leave out what cannot be read of a damaged journal. JournalDamaged without it, StudyError
    for other images and for any other option that differs from the study's own.
    """
    check_outlives_job(results)
    folder = StudyFolder.at(results, name)
    check_address(address)
    location = resolve(tracking_uri, folder.where)
    mirror = mirror_of(folder)
    written = folder.load()
    check_not_a_copy(folder, written)
    check_places(written.data, folder, location)
    study = extended(written, options or {}, settings)
    check_same_made_anomalies(name, read_beginning(folder.path), study.judge)
    if not mend:
        check_journal(folder)
    study, split, groups = prepare_again(study, folder, download, note)
    if mend:
        with folder.lock():
            if done := mend_journal(folder, study, groups):
                note(done)
    if study != written:
        with folder.lock():
            folder.replace(study)
    return _conduct(study, folder, mirror, split, groups, location, address, note)


def _conduct(
    study: Study,
    folder: StudyFolder,
    mirror: Mirror | None,
    split: Split,
    groups: list[ClassGroup],
    location: Location,
    address: str | None,
    note: Note,
    new_study: NewStudy | None = None,
    worth_knowing: Sequence[str] = (),
) -> StudyResult:
    started, stop = time.monotonic(), current()
    with folder.lock(), ExitStack() as held:
        if read_beginning(folder.path) is None:  # Of an earlier version.
            write_beginning(folder.path, beginning_of(split, groups))
        record = make_record(study, folder, split)
        writer = start_writer(folder.outbox, location.uri, study.name, location.artifact_root)
        conclusion: Conclusion | None = None
        begun = interrupted = False
        status: Literal["FINISHED", "FAILED"] = "FAILED"
        try:
            with connect(address) as available:
                allotment = allot(study.resources, available)
                preflight(
                    folder,
                    allotment,
                    writer.wait_ready,
                    ask_nodes=not is_own(address) or allotment.gpus_per_trial > 0,
                )
                if mirror:
                    held.enter_context(mirror.session())
                if writer.restores:
                    note(
                        f"MLflow has a deleted experiment {study.name}, which is restored with the"
                        " runs that it had; for a fresh one take another --name, or remove it for"
                        " good with `mlflow gc`"
                    )
                for line in worth_knowing:
                    note(line)
                note(f"study {study.name}: {allotment.describe()}")
                begun = True
                if new_study:
                    new_study.begun = True
                stop.at_worst(lambda: record.study_ended("KILLED"))
                record.study_started(study_params(study))
                record.artifact(record.study_key, folder.study_file)
                outcomes = _search(study, groups, split, folder, record, note)
                interrupted = stop.asked or any(outcome.interrupted for outcome in outcomes)
                if not interrupted:
                    winners = _winners(study, groups, outcomes)
                    if reason := why_no_room(folder.path, ROOM_TO_GO_ON):
                        raise OutOfSpace(out_of_space(reason, study.name, folder.where))
                    conclusion = conclude(
                        study, winners, split, folder, record, allotment, note=note
                    )
                    status = "FINISHED"
        except BaseException as error:
            interrupted = is_interruption(error)
            if not interrupted and isinstance(error, OSError) and is_full(error):
                raise OutOfSpace(out_of_space(str(error), study.name, folder.where)) from None
            if not interrupted:
                raise
        finally:
            if begun:
                with stop.held():
                    record.study_ended("KILLED" if interrupted else status)
            remainder = _settle(record, writer, stop)
            interrupted = interrupted or stop.asked
            if status == "FAILED" and not interrupted:
                # There is a fault on its way, and so no result that could tell it.
                for line in remainder.lines(sync_command(study.name, folder.where)):
                    note(line)
        if not begun:
            raise KeyboardInterrupt
    if mirror and (reason := mirror.why_behind()):
        note(reason)
    return StudyResult(
        study=study,
        folder=folder,
        report=conclusion.report if conclusion else None,
        fronts=fronts(study, groups, folder.journal),
        trials=_total(groups, folder),
        interrupted=interrupted,
        remainder=remainder,
        faults=record.faults,
        tracking_uri=location.uri,
        experiment_id=record.experiment_id(),
        parent_run_id=record.run_id(record.study_key),
        seconds=time.monotonic() - started,
    )


def _worth_knowing(study: Study, split: Split, groups: Sequence[ClassGroup]) -> list[str]:
    """What a new study's user should know, told once nothing can refuse the study any more."""
    lines = []
    if study.judge == "label-free":
        lines.append(
            "no labels are looked at: trials are judged by anomalies made from normal images"
        )
    classes = [name for group in groups for name in group.classes]
    return [
        *lines,
        *split.remarks,
        *judging_lines(split, classes),
        *doubts(study.judge, study.space),
    ]


def _settle(record: Record, writer: WriterProcess, stop: Stop) -> Remainder:
    """Deliver what is left of the record; in a few seconds where somebody wants to stop."""
    if not stop.asked:
        try:
            return settle(record, writer)
        except BaseException as error:
            if not is_interruption(error):
                raise
    with stop.held():
        return settle(record, writer, stop.seconds_left(60.0), leave=True)


def _search(
    study: Study,
    groups: Sequence[ClassGroup],
    split: Split,
    folder: StudyFolder,
    record: Record,
    note: Note,
) -> list[TrialsResult]:
    """All groups at once; they share the machine and the time."""
    done = {group.name: read_outcomes(group, folder) for group in groups}
    for line in lost((o for of in done.values() for o in of), folder.checkpoints):
        note(line)
    with LiveProgress(study, done, seconds=folder.seconds_used()) as progress:
        found = run_trials(study, groups, split.development, folder, record, progress=progress)
    for group, result in zip(groups, found, strict=True):
        label = "search" if len(groups) == 1 else f"class {group.name}"
        note(f"{label}: {ending(study, result)}")
    return found


def _winners(
    study: Study, groups: Sequence[ClassGroup], outcomes: Sequence[TrialsResult]
) -> list[Winner]:
    winners = []
    for group, result in zip(groups, outcomes, strict=True):
        if result.best is None:
            raise MemganError(no_winner(study, group.name, result))
        winners.append(Winner(group, result.best))
    return winners


def _total(groups: Sequence[ClassGroup], folder: StudyFolder) -> dict[str, int]:
    outcomes = [outcome for group in groups for outcome in read_outcomes(group, folder)]
    return TrialsResult(tuple(outcomes)).counts()
