"""From winners to the end of a study: finals, anchors, figures, export, and the record of it."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from memgan.bundle import MANIFEST, summary
from memgan.config import Configuration, Runtime, flatten
from memgan.data import Split
from memgan.errors import StudyError
from memgan.machine import machine, versions
from memgan.stats import ImageScores, pack
from memgan.training import Cell
from search.finals import (
    FinalCells,
    Winner,
    anchors_on_ray,
    best_configuration,
    cautions,
    run_finals,
    stored_finals,
    stored_influences,
    superseded,
)
from search.journal import TrialOutcome
from search.ray import Allotment, TaskQueue
from search.report import FIGURES, Concluded, draw_finals, write_export
from search.results import WEIGHTS_OF_TRIAL, StudyFolder, exported
from search.study import Study
from search.trials import best_few, read_outcomes, stored
from tracking import Record, names

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
    stored = stored_finals(winners, configuration.seeds, folder.finals).cells.values()
    complete = all(len(cells) == len(configuration.seeds) for cells in stored)
    if not complete and runtime.device == "cuda" and not allotment.gpus_per_trial:
        note("finals so far were trained on a GPU; none is given now, so the others are on the CPU")
        runtime = allotment.runtime
        configuration = best_configuration(study, winners, runtime)
    as_before = earlier is not None and complete
    classes = [name for winner in winners for name in winner.group.classes]
    queue = TaskQueue(allotment.at_once)
    anchors: Callable[[], dict[str, Any]] = (
        (lambda: earlier.anchors)
        if earlier and all(set(a["classes"]) == set(classes) for a in earlier.anchors.values())
        else anchors_on_ray(split, classes, runtime, queue, cpus=allotment.cpus_per_trial)
    )
    finals = _finals(winners, configuration, split, folder, record, allotment, queue)
    for (name, seed), line in finals.failed.items():
        note(f"final of class {name}, seed {seed} failed: {line}")
    for trial_id, seed in superseded(folder.finals, winners):
        record.final_superseded(trial_id, seed)
    run_ids = {
        winner.outcome.trial_id: record.run_id(record.trial_key(winner.outcome.trial_id))
        for winner in winners
    }
    stood = anchors()
    concluded = Concluded(
        study,
        folder.study_id,
        winners,
        configuration,
        finals.cells,
        stood,
        run_ids,
        split,
        folder.journal,
        earlier.report["machine"] if earlier and as_before else machine(),
        earlier.report["versions"] if earlier and as_before else versions(),
        _cautions(winners, folder, stood, split),
    )
    report = write_export(concluded, folder.export, note=note)
    conclusion = Conclusion(runtime, concluded.anchors, report)
    _write_conclusion(folder.path, conclusion)
    _record_conclusion(record, winners, finals, folder)
    return conclusion


def _cautions(
    winners: Sequence[Winner], folder: StudyFolder, anchors: Mapping[str, Any], split: Split
) -> list[dict[str, Any]]:
    found = []
    for winner in winners:
        outcomes = read_outcomes(winner.group, folder)
        influences = stored_influences(best_few(outcomes), folder.checkpoints)
        found += cautions(winner, outcomes, influences, anchors, split.development)
    return found


def read_conclusion(folder: Path) -> Conclusion | None:
    """The conclusion of a study that came to its end, or None. StudyError for a damaged one."""
    path = folder / _CONCLUSION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        runtime = Runtime.model_validate(content["runtime"])
        return Conclusion(runtime, dict(content["anchors"]), dict(content["report"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "damaged"
        raise StudyError(
            f"{path} cannot be read ({reason}); move it away, and memgan search --resume"
            f" {folder.name} writes it anew"
        ) from None


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
    queue: TaskQueue,
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
                _record_final(record, winner, seed, known[key], folder, configuration.detector)

        return run_finals(winners, configuration, split, folder.finals, allotment, queue, on_cell)


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
            record.artifact(record.final_key(trial_id, seed), drawn / figure, names.FIGURES)
        _record_scores(record, trial_id, seed, cells, folder)
    extra: dict[str, float] = {}
    for cell in cells:
        named = {
            names.AVERAGE_PRECISION: cell.test_average_precision,
            names.FPR_AT_95_RECALL: cell.test_fpr_at_95_recall,
            names.FINAL_VAL_AUROC: cell.val_auroc,
        }
        extra |= {
            names.of_class(key, cell.normal_class): value
            for key, value in named.items()
            if value is not None
        }
    lost = [name for name in order if name not in {cell.normal_class for cell in cells}]
    record.final_ended(
        trial_id,
        seed,
        {cell.normal_class: cell.test_auroc for cell in cells if cell.test_auroc is not None},
        extra,
        "FAILED" if lost else "FINISHED",
        f"no result for class {', '.join(lost)}" if lost else None,
    )


def _record_scores(
    record: Record, trial_id: str, seed: int, cells: Sequence[Cell], folder: StudyFolder
) -> None:
    """Image by image, so that studies can be compared from the record alone."""
    parts = {
        "test": {
            names.safe(c.normal_class): ImageScores(c.test_scores, c.test_anomalous) for c in cells
        },
        "validation": {
            names.safe(c.normal_class): c.validation for c in cells if c.validation is not None
        },
    }
    path = folder.finals / trial_id / f".figures-seed{seed}" / names.SCORES_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(parts))
    record.artifact(record.final_key(trial_id, seed), path, names.SCORES)


def _record_missing_scores(
    record: Record, winners: Sequence[Winner], finals: FinalCells, folder: StudyFolder
) -> None:
    """Of finals that an earlier version trained: what the cells have."""
    for winner in winners:
        trial_id = winner.outcome.trial_id
        cells = [cell for name in winner.group.classes for cell in finals.cells[name]]
        for seed in sorted({cell.seed for cell in cells}):
            path = folder.finals / trial_id / f".figures-seed{seed}" / names.SCORES_FILE
            if not path.exists():
                mine = [cell for cell in cells if cell.seed == seed]
                _record_scores(record, trial_id, seed, mine, folder)


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
    _record_missing_scores(record, winners, finals, folder)
    for winner in winners:
        by_seed: dict[int, dict[str, Path]] = defaultdict(dict)
        for name in winner.group.classes:
            by_seed[finals.cells[name][0].seed][name] = folder.export / "bundles" / name
        for seed, bundles in by_seed.items():
            record.final_model(winner.outcome.trial_id, seed, bundles, winner.group.name)
    best = [o for winner in winners for o in best_few(read_outcomes(winner.group, folder))]
    for trial in best:
        if (checkpoint := _on_this_machine(trial, folder)) is not None:
            inside = f"{names.CHECKPOINTS}/{checkpoint.name}"
            for name in WEIGHTS_OF_TRIAL:
                if (checkpoint / name).is_file():
                    record.artifact(record.trial_key(trial.trial_id), checkpoint / name, inside)
    # File by file, as somebody may have put others beside them.
    for name in exported(folder.export):
        if not name.startswith("bundles/") and name != MANIFEST:
            path = folder.export / name
            inside = "/".join((names.EXPORT, *PurePosixPath(name).parts[:-1]))
            record.artifact(record.study_key, path, inside)
            if path.name in FIGURES:
                record.artifact(record.study_key, path, names.FIGURES)


def _on_this_machine(trial: TrialOutcome, folder: StudyFolder) -> Path | None:
    """The trial's newest checkpoint, fetched where results lie at an address."""
    if trial.checkpoint is None:
        return None
    found = stored(folder.checkpoints, trial.checkpoint)
    path = found.local
    if path is None:
        path = folder.path / ".checkpoints" / trial.trial_id / Path(trial.checkpoint).name
        if found.names():
            found.download(path)
    return path if path.is_dir() else None
