"""What the record is told of finals and of the end of a study: figures, scores, models, files."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from memgan.bundle import MANIFEST
from memgan.health import by_measure
from memgan.stats import ImageScores, pack
from memgan.training import class_figures
from search.finals import Concluded, Winner, superseded
from search.journal import TrialOutcome
from search.report import Report, describe_result
from search.results import WEIGHTS_OF_TRIAL, StudyFolder, exported
from search.trials import best_few, read_outcomes, stored
from search.workflow.session import Session
from tracking import Record, names
from tracking.values import health_metrics

if TYPE_CHECKING:
    from memgan.training import Cell


def record_final(session: Session, winner: Winner, seed: int, cells: Sequence[Cell]) -> None:
    """The final of one seed has ended. cells: what it gave, in any order; without those of
    classes that failed."""
    from search.report import draw_finals

    record, folder = session.record, session.ready.folder
    trial_id = winner.outcome.trial_id
    order = {name: position for position, name in enumerate(winner.group.classes)}
    cells = sorted(cells, key=lambda cell: order[cell.normal_class])
    drawn = folder.finals / trial_id / f".figures-seed{seed}"
    if cells:
        title = f"{session.ready.study.detector}, trial {trial_id}, seed {seed}"
        for figure in draw_finals(drawn, cells, title):
            record.artifact(record.final_key(trial_id, seed), drawn / figure, names.FIGURES)
        _record_scores(record, trial_id, seed, cells, folder)
    _record_health(record, record.final_key(trial_id, seed), cells)
    extra = {key: value for cell in cells for key, value in metrics_of(cell).items()}
    lost = [name for name in order if name not in {cell.normal_class for cell in cells}]
    record.final_ended(
        trial_id,
        seed,
        {cell.normal_class: cell.test_auroc for cell in cells if cell.test_auroc is not None},
        extra,
        "FAILED" if lost else "FINISHED",
        f"no result for class {', '.join(lost)}" if lost else None,
    )


def _record_health(record: Record, run_key: str, cells: Sequence[Cell]) -> None:
    """Epoch by epoch, as of a trial."""
    for place in range(max((len(cell.health) for cell in cells), default=0)):
        healths = {c.normal_class: c.health[place] for c in cells if place < len(c.health)}
        record.metrics(run_key, health_metrics(by_measure(healths)), step=place + 1)


def metrics_of(cell: Cell) -> dict[str, float]:
    """What the record has of one final beside its test AUROC, by metric."""
    named = {
        names.AVERAGE_PRECISION: cell.test_average_precision,
        names.FPR_AT_95_RECALL: cell.test_fpr_at_95_recall,
        names.FINAL_VAL_AUROC: cell.val_auroc,
    }
    if cell.pixels is not None:
        named |= {
            names.PIXEL_AUROC: cell.pixels.auroc,
            names.AUPRO: cell.pixels.aupro,
            names.PIXEL_F1: cell.pixels.best_f1,
            names.PIXEL_THRESHOLD: cell.pixels.threshold,
        }
    return {
        names.of_class(key, cell.normal_class): value
        for key, value in named.items()
        if value is not None
    }


def _record_scores(
    record: Record, trial_id: str, seed: int, cells: Sequence[Cell], folder: StudyFolder
) -> None:
    """Image by image, so that studies can be compared by their record only."""
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


def _record_missing_scores(record: Record, concluded: Concluded) -> None:
    """The scores of finals that an earlier version trained, as far as the cells have them."""
    folder = concluded.folder
    for winner in concluded.winners:
        trial_id = winner.outcome.trial_id
        cells = [cell for name in winner.group.classes for cell in concluded.cells[name]]
        for seed in sorted({cell.seed for cell in cells}):
            path = folder.finals / trial_id / f".figures-seed{seed}" / names.SCORES_FILE
            if not path.exists():
                mine = [cell for cell in cells if cell.seed == seed]
                _record_scores(record, trial_id, seed, mine, folder)


def record_conclusion(record: Record, concluded: Concluded, report: Report) -> None:
    """The study has come to its end, and its export is written."""
    for trial_id in dict.fromkeys(
        trial for trial, _ in superseded(concluded.folder.finals, concluded.winners)
    ):
        record.trial_won(trial_id, still=False)
    for winner in concluded.winners:
        record.trial_won(winner.outcome.trial_id)
    record.study_described(*describe_result(report))
    _record_figures(record, concluded)
    _record_missing_scores(record, concluded)
    _record_models(record, concluded)
    _record_best_checkpoints(record, concluded)
    _record_export(record, concluded.folder)


def _record_figures(record: Record, concluded: Concluded) -> None:
    tested = {}
    for name, cells in concluded.cells.items():
        figures = class_figures(cells)
        if figures.test_auroc_mean is not None:
            tested[name] = (figures.test_auroc_mean, figures.test_auroc_sd)
    if tested:
        record.study_tested(tested, statistics.fmean(mean for mean, _ in tested.values()))


def _record_models(record: Record, concluded: Concluded) -> None:
    for winner in concluded.winners:
        by_seed: dict[int, dict[str, Path]] = defaultdict(dict)
        for name in winner.group.classes:
            if concluded.best.parameters_for(name).only_in_torch is not None:
                continue  # It cannot be served.
            seed = concluded.cells[name][0].seed
            by_seed[seed][name] = concluded.folder.export / "bundles" / name
        for seed, bundles in by_seed.items():
            record.final_model(winner.outcome.trial_id, seed, bundles, winner.group.name)


def _record_best_checkpoints(record: Record, concluded: Concluded) -> None:
    folder = concluded.folder
    for winner in concluded.winners:
        for trial in best_few(read_outcomes(winner.group, folder)):
            if (checkpoint := _on_this_machine(trial, folder)) is None:
                continue
            inside = f"{names.CHECKPOINTS}/{checkpoint.name}"
            for name in WEIGHTS_OF_TRIAL:
                if (checkpoint / name).is_file():
                    record.artifact(record.trial_key(trial.trial_id), checkpoint / name, inside)


def _record_export(record: Record, folder: StudyFolder) -> None:
    from search.report import FIGURES

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
