"""A whole study, stage by stage: open, connect, search, conclude, close. What `memgan search` runs.

`open_study` opens and closes; the other stages are functions of this module and `conclude`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memgan.data import Split
from memgan.errors import MemganError, OutOfSpace
from memgan.stats import judging_lines
from memgan.waiting import waiting_for
from search.finals import Winner
from search.journal import TrialsResult, check_journal, mend_journal, settle_starts
from search.ray import (
    Allotment,
    WantedNodes,
    allot,
    check_address,
    check_outlives_job,
    connect,
    is_own,
    preflight,
    wait_for_nodes,
)
from search.report import describe_beginning, fronts, read_conclusion
from search.results import (
    ROOM_TO_GO_ON,
    NewStudy,
    StudyFolder,
    beginning_of,
    check_not_a_copy,
    check_places,
    check_same_made_anomalies,
    driving_options,
    mirror_of,
    out_of_space,
    read_beginning,
    why_no_room,
)
from search.stopping import current, stoppable
from search.study import (
    ClassGroup,
    Study,
    choice_lines,
    constraint_doubts,
    doubtful_lines,
    doubts,
    packages_of_plugins,
)
from search.trials import lost, read_outcomes, run_trials
from search.workflow.conclusion import conclude
from search.workflow.ending import ending, no_winner
from search.workflow.extension import extended
from search.workflow.live_progress import LiveProgress
from search.workflow.preparation import (
    anchored,
    classes_as_one,
    prepare,
    prepare_again,
    study_params,
)
from search.workflow.session import Note, Ready, Session, open_study, restored_line
from search.workflow.study_result import StudyResult
from tracking import Location, Outbox, resolve
from tracking.outbox import choose_experiment


# Eight parameters, as each is an option of `memgan search`; all but the study are keywords.
@stoppable()
def run(
    study: Study,
    *,
    results: Path | str = "results",
    tracking_uri: str | None = None,
    experiment: str | None = None,
    address: str | None = None,
    wait_for: WantedNodes | None = None,
    download: bool = False,
    note: Note = lambda line: None,
) -> StudyResult:
    """Run a new study to its end, or until SIGINT or SIGTERM, which mean the same.

    experiment: what holds its runs in the tracking store; by default MLFLOW_EXPERIMENT_NAME, else
    the study's name. wait_for: what the cluster at `address` must have before the study begins
    there. note: told a line for each thing worth knowing on the way. StudyError if the name is
    taken or the folder cannot be written, DataError for images that do not serve,
    TrackingUnavailable if the tracking address does not answer at the start, NodesMissing if the
    nodes do not come in time: nothing is then left behind.
    """
    folder, location = _places(study.name, results, tracking_uri, address, wait_for)
    experiment = choose_experiment(Outbox(folder.outbox), study.name, experiment, location.uri)
    study = anchored(settle_starts(study, folder.results))
    check_places(study.data, folder, location)
    mirror = mirror_of(folder)
    folder.check_free()  # Before anything is loaded.
    study, split, groups = prepare(study, download)
    began = beginning_of(split, groups)
    with NewStudy(study, folder, location.uri, began) as new_study:
        ready = Ready(
            study=study,
            split=split,
            groups=groups,
            folder=folder,
            mirror=mirror,
            location=location,
            experiment=experiment,
            note=note,
            new=new_study,
            remarks=_worth_knowing(study, split, groups),
        )
        return _through_all_stages(ready, address, wait_for)


# Eleven parameters, as each is an option of `memgan search --resume`; all but one are keywords.
@stoppable()
def resume(
    name: str,
    *,
    results: Path | str = "results",
    options: dict[str, Any] | None = None,
    settings: Sequence[str] = (),
    tracking_uri: str | None = None,
    experiment: str | None = None,
    address: str | None = None,
    wait_for: WantedNodes | None = None,
    download: bool = False,
    mend: bool = False,
    note: Note = lambda line: None,
) -> StudyResult:
    """Go on with a stopped or killed study; more `trials` or `time_budget` extend it. Resources
    may be others, as the machine may be another.

    experiment: as for `run`, by default the one that the study had; another one gets the whole
    record.
    mend: leave out what cannot be read of a damaged journal. JournalDamaged without it, StudyError
    for other images and for any other option that differs from the study's own.
    """
    folder, location = _places(name, results, tracking_uri, address, wait_for)
    mirror = mirror_of(folder)
    written = folder.load()
    check_not_a_copy(folder, written)
    check_places(written.data, folder, location)
    experiment = choose_experiment(Outbox(folder.outbox), name, experiment, location.uri)
    study = extended(written, options or {}, settings)
    check_same_made_anomalies(name, read_beginning(folder.path), study.judge, folder.where)
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
    ready = Ready(
        study=study,
        split=split,
        groups=groups,
        folder=folder,
        mirror=mirror,
        location=location,
        experiment=experiment,
        note=note,
    )
    return _through_all_stages(ready, address, wait_for)


def _places(
    name: str,
    results: Path | str,
    tracking_uri: str | None,
    address: str | None,
    wait_for: WantedNodes | None,
) -> tuple[StudyFolder, Location]:
    """The study's folder and the tracking store; nothing is written yet."""
    check_outlives_job(results)
    waits = wait_for.options if wait_for else ()
    options = driving_options(results, tracking_uri, address, waits)
    folder = StudyFolder.at(results, name, options)
    check_address(address)
    return folder, resolve(tracking_uri, folder.where)


def _through_all_stages(
    ready: Ready, address: str | None, wait_for: WantedNodes | None
) -> StudyResult:
    with open_study(ready) as session, _connected(session, address, wait_for) as allotment:
        _begin(session, allotment)
        winners = _search(session)
        if winners is not None:
            with waiting_for("preparing the finals"):
                session.conclusion = conclude(session, winners, allotment)
    if ready.mirror and (reason := ready.mirror.why_behind()):
        ready.note(reason)
    return _result(session)


@contextmanager
def _connected(
    session: Session, address: str | None, wait_for: WantedNodes | None
) -> Iterator[Allotment]:
    """Ray, with every node that is waited for, the tracking store and the results' address found in
    order.

    Gives what a trial gets. From here on what the study writes is mirrored.
    """
    ready = session.ready
    with connect(address) as available:
        if wait_for:
            wait_for = wait_for.telling(
                lambda line: ready.note(f"study {ready.study.name}: {line}")
            )
            available = wait_for_nodes(wait_for, available, grows=not is_own(address))
        allotment = allot(ready.study.resources, available)
        with waiting_for("asking nodes, storage and the tracking store"):
            preflight(
                ready.folder,
                allotment,
                session.writer.wait_ready,
                ask_nodes=not is_own(address) or allotment.gpus_per_trial > 0,
                needed=packages_of_plugins(ready.study),
            )
        if ready.mirror:
            with waiting_for("writing to the results' address"):
                session.until_closed.enter_context(ready.mirror.session())
        yield allotment


def _begin(session: Session, allotment: Allotment) -> None:
    """Tell the user and the record that the study begins, or goes on. From here on it stays."""
    ready, record = session.ready, session.record
    if session.writer.restores:
        ready.note(restored_line(ready.experiment))
    for line in ready.remarks:
        ready.note(line)
    runtime = allotment.runtime
    packed = classes_as_one(ready.study, ready.groups, ready.split.development, runtime)
    what = "classes" if ready.study.trial_seeds == 1 else "classes and seeds"
    as_one = f", {packed} {what} of a trial trained as one" if packed else ""
    ready.note(f"study {ready.study.name}: {allotment.describe()}{as_one}")
    session.begun = True
    if ready.new:
        ready.new.begun = True
    current().at_worst(lambda: record.study_ended("KILLED"))
    record.study_started(study_params(ready.study, packed))
    classes = [name for group in ready.groups for name in group.classes]
    record.study_viewed(classes, list(ready.study.space))
    if read_conclusion(ready.folder) is None:  # What tells a result stays until there is another.
        record.study_described(*describe_beginning(ready.study, ready.split.source))
    record.artifact(record.study_key, ready.folder.study_file)


def _search(session: Session) -> list[Winner] | None:
    """Search all groups at once, on one machine in one time; their winners, or None where
    somebody asked to stop. MemganError where a group has no winner."""
    ready = session.ready
    study, groups, folder = ready.study, ready.groups, ready.folder
    done = {group.name: read_outcomes(group, folder) for group in groups}
    for line in lost((o for of in done.values() for o in of), folder.checkpoints):
        ready.note(line)
    progress = LiveProgress(study, done, seconds=folder.seconds_used())
    with progress.shown():
        found = run_trials(
            study, groups, ready.split.development, folder, session.record, progress=progress
        )
    for group, result in zip(groups, found, strict=True):
        label = "search" if len(groups) == 1 else f"class {group.name}"
        ready.note(f"{label}: {ending(study, result)}")
    session.seconds_after_trials = progress.standing().seconds_after_trials
    session.interrupted = current().asked or any(result.interrupted for result in found)
    if session.interrupted:
        return None
    winners = _winners(study, groups, found, folder)
    if reason := why_no_room(folder.path, ROOM_TO_GO_ON):
        raise OutOfSpace(out_of_space(reason, folder.go_on_command()))
    return winners


def _result(session: Session) -> StudyResult:
    """How the closed study stands."""
    ready, record = session.ready, session.record
    return StudyResult(
        study=ready.study,
        folder=ready.folder,
        report=session.conclusion.report if session.conclusion else None,
        fronts=fronts(ready.study, ready.groups, ready.folder.journal),
        trials=_total(ready.groups, ready.folder),
        interrupted=session.interrupted,
        remainder=session.remainder,
        faults=record.faults,
        tracking_uri=ready.location.uri,
        experiment_id=record.experiment_id(),
        parent_run_id=record.run_id(record.study_key),
        seconds=time.monotonic() - session.started,
    )


def _worth_knowing(study: Study, split: Split, groups: Sequence[ClassGroup]) -> list[str]:
    """What a new study's user should know, told once nothing can refuse the study any more."""
    lines = choice_lines(study)
    if study.judge == "label-free":
        lines.append(
            "no labels are looked at: trials are judged by anomalies made from normal images"
        )
    classes = [name for group in groups for name in group.classes]
    train = split.development.train
    fewest = min(train.counts()[name] for name in classes)
    return [
        *lines,
        *doubtful_lines(study, fewest, train.image_shape),
        *split.remarks,
        *judging_lines(split, classes),
        *doubts(study.judge, study.space),
        *constraint_doubts(study.constraints, study.sampler),
    ]


def _winners(
    study: Study,
    groups: Sequence[ClassGroup],
    outcomes: Sequence[TrialsResult],
    folder: StudyFolder,
) -> list[Winner]:
    winners = []
    for group, result in zip(groups, outcomes, strict=True):
        if result.best is None:
            raise MemganError(no_winner(study, group.name, result, folder.go_on_command))
        winners.append(Winner(group, result.best))
    return winners


def _total(groups: Sequence[ClassGroup], folder: StudyFolder) -> dict[str, int]:
    outcomes = [outcome for group in groups for outcome in read_outcomes(group, folder)]
    return TrialsResult(tuple(outcomes)).counts()
