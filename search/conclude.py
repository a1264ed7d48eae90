"""From winners to the end of a study: finals, anchors, figures, export, and the record of it."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memgan.cells import Cell
from memgan.configuration import Configuration, Runtime
from memgan.data import Split
from memgan.parameters import flatten
from memgan.trained import summary
from search.anchors import anchors_on_ray
from search.best import best_configuration
from search.export import Concluded, write_export
from search.final_figures import draw_finals
from search.finals import FinalCells, Winner, run_finals, stored_finals, superseded
from search.keep import best_few
from search.outcome import TrialOutcome
from search.resources import Allotment
from search.storage import Storage
from search.store import StudyFolder
from search.study import Study
from search.trials import read_outcomes
from tracking import Record

_CONCLUSION = "conclusion.json"


@dataclass(frozen=True)
class Conclusion:
    """What is known at the end beside the finals themselves."""

    runtime: Runtime
    """What finals were trained under."""
    anchors: dict[str, Any]
    report: dict[str, Any]


def conclude(
    study: Study,
    winners: list[Winner],
    split: Split,
    folder: StudyFolder,
    record: Record,
    allotment: Allotment,
    *,
    note: Callable[[str], None],
) -> Conclusion:
    """Train the finals that are missing, stand the anchors beside them, export, record.

    Ray must be connected. MemganError if no seed of a class succeeds.
    """
    earlier = read_conclusion(folder.path)
    runtime = earlier.runtime if earlier else allotment.runtime
    configuration = best_configuration(study, winners, runtime)
    classes = [name for winner in winners for name in winner.group.classes]
    anchors: Callable[[], dict[str, Any]] = (
        (lambda: earlier.anchors)
        if earlier and all(set(a["classes"]) == set(classes) for a in earlier.anchors.values())
        else anchors_on_ray(split, classes, runtime)
    )
    finals = _finals(winners, configuration, split, folder, record, allotment)
    for (name, seed), line in finals.failed.items():
        note(f"final of class {name}, seed {seed} failed: {line}")
    for trial_id, seed in superseded(folder.finals, winners):
        record.final_superseded(trial_id, seed)
    run_ids = {
        winner.outcome.trial_id: record.run_id(record.trial_key(winner.outcome.trial_id))
        for winner in winners
    }
    concluded = Concluded(
        study,
        folder.study_id,
        winners,
        configuration,
        finals.cells,
        anchors(),
        run_ids,
        split,
    )
    report = write_export(concluded, folder.export)
    conclusion = Conclusion(runtime, concluded.anchors, report)
    _write_conclusion(folder.path, conclusion)
    _record_conclusion(record, winners, finals, folder)
    return conclusion


def read_conclusion(folder: Path) -> Conclusion | None:
    """The conclusion of a study that came to its end, or None."""
    path = folder / _CONCLUSION
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Conclusion(
        Runtime.model_validate(content["runtime"]), content["anchors"], content["report"]
    )


def _write_conclusion(folder: Path, conclusion: Conclusion) -> None:
    content = {
        "runtime": conclusion.runtime.model_dump(),
        "anchors": conclusion.anchors,
        "report": conclusion.report,
    }
    partial = folder / f"{_CONCLUSION}.part"
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(folder / _CONCLUSION)


def _finals(
    winners: Sequence[Winner],
    configuration: Configuration,
    split: Split,
    folder: StudyFolder,
    record: Record,
    allotment: Allotment,
) -> FinalCells:
    """Run the missing finals; each one's run in the record begins and ends with it."""
    from rich.console import Console
    from rich.progress import Progress

    stored = stored_finals(winners, configuration.seeds, folder.finals)
    known: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    missing: dict[tuple[str, int], int] = {}
    for winner in winners:
        trial_id = winner.outcome.trial_id
        for seed in configuration.seeds:
            have = [
                c for name in winner.group.classes for c in stored.cells[name] if c.seed == seed
            ]
            known[trial_id, seed] = have
            missing[trial_id, seed] = len(winner.group.classes) - len(have)
            if missing[trial_id, seed]:
                values = configuration.parameters_for(winner.group.classes[0])
                params = {**flatten(values), "seed": seed, "normal_class": winner.group.name}
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
                _record_final(record, winner, seed, known[key], folder, configuration.detector)

        return run_finals(winners, configuration, split, folder.finals, allotment, on_cell)


def _record_final(
    record: Record,
    winner: Winner,
    seed: int,
    cells: Sequence[Cell],
    folder: StudyFolder,
    detector: str,
) -> None:
    trial_id = winner.outcome.trial_id
    order = {name: position for position, name in enumerate(winner.group.classes)}
    cells = sorted(cells, key=lambda cell: order[cell.normal_class])
    drawn = folder.finals / trial_id / f".figures-seed{seed}"
    if cells:
        title = f"{detector}, trial {trial_id}, seed {seed}"
        for figure in draw_finals(drawn, cells, title):
            record.artifact(record.final_key(trial_id, seed), drawn / figure, "figures")
    extra: dict[str, float] = {}
    for cell in cells:
        named = {
            "test_average_precision": cell.test_average_precision,
            "test_fpr_at_95_recall": cell.test_fpr_at_95_recall,
            "final_val_auroc": cell.val_auroc,
        }
        extra |= {f"{k}/{cell.normal_class}": v for k, v in named.items() if v is not None}
    lost = [name for name in order if name not in {cell.normal_class for cell in cells}]
    record.final_ended(
        trial_id,
        seed,
        {cell.normal_class: cell.test_auroc for cell in cells if cell.test_auroc is not None},
        extra,
        "FAILED" if lost else "FINISHED",
        f"no result for class {', '.join(lost)}" if lost else None,
    )


def _record_conclusion(
    record: Record, winners: Sequence[Winner], finals: FinalCells, folder: StudyFolder
) -> None:
    tested = {}
    for name, cells in finals.cells.items():
        figures = summary(cells)
        if figures["test_auroc_mean"] is not None:
            tested[name] = (figures["test_auroc_mean"], figures["test_auroc_sd"])
    if tested:
        record.study_tested(tested, sum(mean for mean, _ in tested.values()) / len(tested))
    best = [o for winner in winners for o in best_few(read_outcomes(winner.group, folder))]
    for trial in best:
        if (checkpoint := _on_this_machine(trial, folder)) is not None:
            record.artifact(record.trial_key(trial.trial_id), checkpoint, "checkpoints")
    for name in ("report.json", "report.md", "best.yaml", "figures"):
        path = folder.export / name
        if path.exists():
            record.artifact(record.study_key, path, "export")


def _on_this_machine(trial: TrialOutcome, folder: StudyFolder) -> Path | None:
    """The trial's newest checkpoint, fetched where results lie at an address."""
    if trial.checkpoint is None:
        return None
    stored = Storage(folder.checkpoints.filesystem, trial.checkpoint)
    path = stored.local
    if path is None:
        path = folder.path / ".checkpoints" / trial.trial_id / Path(trial.checkpoint).name
        if stored.names():
            stored.download(path)
    return path if path.is_dir() else None
