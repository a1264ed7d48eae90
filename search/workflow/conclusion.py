"""From winners to the end of a study: finals, anchors, figures, export, and the record of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from memgan.config import Runtime, flatten
from memgan.machine import machine, versions
from memgan.waiting import waiting_for
from search.finals import (
    ANCHOR_KEYS,
    Anchor,
    Beside,
    Caution,
    Concluded,
    FinalCells,
    Finals,
    Winner,
    anchors_on_ray,
    best_configuration,
    cautions,
    run_finals,
    stored_finals,
    stored_influences,
    superseded,
)
from search.ray import Allotment, TaskQueue
from search.report import Conclusion, read_conclusion, write_conclusion, write_export
from search.study import packages_of_plugins
from search.trials import best_few, read_outcomes
from search.workflow.conclusion_record import record_conclusion, record_final
from search.workflow.live_progress import FinalsProgress
from search.workflow.session import Ready, Session
from search.workflow.study_status import export_seconds
from tracking import Record, names

if TYPE_CHECKING:
    from memgan.training import Cell


def conclude(session: Session, winners: Sequence[Winner], allotment: Allotment) -> Conclusion:
    """Train the finals that are missing, stand the anchors beside them, export, record.

    Ray must be connected. MemganError if no seed of a class succeeds.
    """
    ready, record = session.ready, session.record
    study, folder = ready.study, ready.folder
    earlier = read_conclusion(folder)
    complete = _complete(ready, winners)
    runtime = _runtime(session, earlier, allotment, complete=complete)
    known = _known_anchors(winners, earlier)
    progress = FinalsProgress(
        0 if known else len(ANCHOR_KEYS),
        expected=session.seconds_after_trials,
        then=export_seconds(sum(len(winner.group.classes) for winner in winners)),
    )
    with waiting_for(progress.line):
        queue = TaskQueue(allotment.at_once, progress.task_ended)
        anchors = _new_anchors(ready, winners, runtime, allotment, queue) if not known else None
        configuration = best_configuration(study, winners, runtime)
        finals = Finals(winners, configuration, folder.finals, folder.go_on_command())
        trained = _train(session, finals, allotment, queue, progress)
        stood = anchors() if anchors else known
    for (name, seed), line in trained.failed.items():
        ready.note(f"final of class {name}, seed {seed} failed: {line}")
    if trained.failed:
        ready.note(f"{folder.go_on_command()} trains again what failed")
    for trial_id, seed in superseded(folder.finals, winners):
        record.final_superseded(trial_id, seed)
    with waiting_for("exporting"):
        return _exported(session, winners, runtime, stood, earlier if complete else None)


def _exported(
    session: Session,
    winners: Sequence[Winner],
    runtime: Runtime,
    stood: Mapping[str, Anchor],
    as_before: Conclusion | None,
) -> Conclusion:
    """Weigh the finals, export and record them. as_before: the earlier conclusion where all
    finals were trained under it."""
    ready, record = session.ready, session.record
    study, folder, split = ready.study, ready.folder, ready.split
    before = as_before.beside if as_before else None
    beside = Beside(
        runtime=runtime,
        machine=before.machine if before else machine(),
        versions=before.versions if before else versions(packages_of_plugins(study)),
        anchors=stood,
        cautions=_cautions(ready, winners, stood),
    )
    concluded = Concluded.load(study, folder, split, winners, run_ids(record, winners), beside)
    conclusion = Conclusion(beside, write_export(concluded, folder.export, note=ready.note))
    write_conclusion(folder.path, conclusion)
    record_conclusion(record, concluded, conclusion.report)
    return conclusion


def run_ids(record: Record, winners: Sequence[Winner]) -> dict[str, str | None]:
    """The winners' runs in the tracking store, by trial; None for what has not arrived."""
    trials = [winner.outcome.trial_id for winner in winners]
    return {trial_id: record.run_id(record.trial_key(trial_id)) for trial_id in trials}


def _complete(ready: Ready, winners: Sequence[Winner]) -> bool:
    """Whether every final lies in the study's folder already."""
    seeds = ready.study.final_seeds
    stored = stored_finals(winners, seeds, ready.folder.finals).cells.values()
    return all(len(cells) == len(seeds) for cells in stored)


def _runtime(
    session: Session, earlier: Conclusion | None, allotment: Allotment, *, complete: bool
) -> Runtime:
    """What finals are trained under: as the earlier ones, where this machine can do so."""
    if earlier is None:
        return allotment.runtime
    runtime = earlier.beside.runtime
    if complete or runtime.device != "cuda" or allotment.gpus_per_trial:
        return runtime
    session.ready.note(
        "finals so far were trained on a GPU; none is given now, so the others are on the CPU"
    )
    return allotment.runtime


def _known_anchors(winners: Sequence[Winner], earlier: Conclusion | None) -> Mapping[str, Anchor]:
    """The earlier anchors where they are of the same classes; else none."""
    classes = {name for winner in winners for name in winner.group.classes}
    known = earlier.beside.anchors if earlier else {}
    same = all(set(anchor.classes) == classes for anchor in known.values())
    return known if same else {}


def _new_anchors(
    ready: Ready,
    winners: Sequence[Winner],
    runtime: Runtime,
    allotment: Allotment,
    queue: TaskQueue,
) -> Callable[[], Mapping[str, Anchor]]:
    """What waits for them."""
    return anchors_on_ray(
        ready.split,
        [name for winner in winners for name in winner.group.classes],
        runtime,
        queue,
        cpus=allotment.cpus_per_trial,
        go_on_command=ready.folder.go_on_command(),
    )


def _cautions(
    ready: Ready, winners: Sequence[Winner], anchors: Mapping[str, Anchor]
) -> list[Caution]:
    found = []
    for winner in winners:
        outcomes = read_outcomes(winner.group, ready.folder)
        influences = stored_influences(best_few(outcomes), ready.folder.checkpoints)
        found += cautions(winner, outcomes, influences, anchors, ready.split.development)
    return found


def _train(
    session: Session,
    finals: Finals,
    allotment: Allotment,
    queue: TaskQueue,
    progress: FinalsProgress,
) -> FinalCells:
    """Run the missing finals; each one's run in the record begins and ends with it."""
    record, configuration = session.record, finals.configuration
    stored = finals.stored()
    known: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    missing: dict[tuple[str, int], int] = {}
    for winner in finals.winners:
        trial_id = winner.outcome.trial_id
        for seed in configuration.seeds:
            have = [
                c for name in winner.group.classes for c in stored.cells[name] if c.seed == seed
            ]
            known[trial_id, seed] = have
            missing[trial_id, seed] = len(winner.group.classes) - len(have)
            if missing[trial_id, seed]:
                values = configuration.parameters_for(winner.group.classes[0])
                params = {
                    **flatten(values),
                    names.SEED_PARAM: seed,
                    names.NORMAL_CLASS_PARAM: winner.group.name,
                }
                record.final_started(trial_id, seed, params, winner.group.name)

    progress.finals_begin(sum(missing.values()))

    def on_cell(winner: Winner, seed: int, cell: Cell | None) -> None:
        progress.final_ended()
        key = winner.outcome.trial_id, seed
        missing[key] -= 1
        if cell is not None:
            known[key].append(cell)
        if not missing[key]:
            record_final(session, winner, seed, known[key])

    return run_finals(finals, session.ready.split, allotment, queue, on_cell)
