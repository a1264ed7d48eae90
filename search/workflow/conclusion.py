"""From winners to the end of a study: finals, anchors, figures, export, and the record of it."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from memgan.config import Runtime, flatten
from memgan.machine import machine, versions
from memgan.training import Cell
from search.finals import (
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
from search.workflow.session import Ready, Session
from tracking import Record, names


def conclude(session: Session, winners: Sequence[Winner], allotment: Allotment) -> Conclusion:
    """Train the finals that are missing, stand the anchors beside them, export, record.

    Ray must be connected. MemganError if no seed of a class succeeds.
    """
    ready, record = session.ready, session.record
    study, folder, split = ready.study, ready.folder, ready.split
    earlier = read_conclusion(folder)
    complete = _complete(ready, winners)
    runtime = _runtime(session, earlier, allotment, complete=complete)
    queue = TaskQueue(allotment.at_once)
    anchors = _anchors(ready, winners, runtime, allotment, queue, earlier)
    finals = Finals(winners, best_configuration(study, winners, runtime), folder.finals)
    trained = _train(session, finals, allotment, queue)
    for (name, seed), line in trained.failed.items():
        ready.note(f"final of class {name}, seed {seed} failed: {line}")
    for trial_id, seed in superseded(folder.finals, winners):
        record.final_superseded(trial_id, seed)
    stood = anchors()
    as_before = earlier.beside if earlier and complete else None
    beside = Beside(
        runtime=runtime,
        machine=as_before.machine if as_before else machine(),
        versions=as_before.versions if as_before else versions(packages_of_plugins(study)),
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


def _anchors(
    ready: Ready,
    winners: Sequence[Winner],
    runtime: Runtime,
    allotment: Allotment,
    queue: TaskQueue,
    earlier: Conclusion | None,
) -> Callable[[], Mapping[str, Anchor]]:
    """The earlier anchors where they are of the same classes, else what waits for new ones."""
    classes = [name for winner in winners for name in winner.group.classes]
    if earlier:
        known = earlier.beside.anchors
        if all(set(anchor.classes) == set(classes) for anchor in known.values()):
            return lambda: known
    return anchors_on_ray(
        ready.split,
        classes,
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


def _train(session: Session, finals: Finals, allotment: Allotment, queue: TaskQueue) -> FinalCells:
    """Run the missing finals; each one's run in the record begins and ends with it."""
    from rich.console import Console
    from rich.progress import Progress

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

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("finals", total=sum(missing.values()))

        def on_cell(winner: Winner, seed: int, cell: Cell | None) -> None:
            progress.advance(task)
            key = winner.outcome.trial_id, seed
            missing[key] -= 1
            if cell is not None:
                known[key].append(cell)
            if not missing[key]:
                record_final(session, winner, seed, known[key])

        return run_finals(finals, session.ready.split, allotment, queue, on_cell)
