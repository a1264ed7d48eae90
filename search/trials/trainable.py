"""What runs in a trial's process: one configuration in training, a report and now and then a
checkpoint an epoch. No test image can be reached from here.

Imported only where Ray is already in use.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ray import tune

from memgan.config import Runtime
from memgan.errors import MemganError, TrainingDiverged
from memgan.machine import gpu_memory_mb, prepare_process, reset_peak_memory
from memgan.stats import mean_by_kind
from search.ray import hold_to_share_of_worker, is_out_of_memory
from search.results import NEXT_TO_NOTHING, Storage, is_full, why_no_room
from search.study import Study, of_health
from search.trials.checkpoints import CHECKPOINT_FILE, INFLUENCE_FILE, stored

# Torch is imported in the trials' processes: the driver starts them seconds sooner without it.
if TYPE_CHECKING:
    from memgan.data import Development
    from memgan.training import EpochReport, Repeated


@dataclass(frozen=True)
class Shared:
    """What all trials of a study have in common."""

    study: Study
    classes: Mapping[str, tuple[str, ...]]
    """The normal classes by group."""
    runtime: Runtime
    development: Development
    checkpoints: Storage
    """Where the checkpoints of all trials lie."""


def train_trial(config: dict[str, Any], shared: Shared) -> None:
    """Train the point `config["values"]` until the epoch `config["until"]`, or until Tune stops
    it.

    Goes on from Tune's own checkpoint of the trial, where it lost its worker, else from
    `config["checkpoint"]`, where an earlier process left it. What it raises fails the trial.
    """
    prepare_process(shared.runtime.threads)
    reset_peak_memory()
    hold_to_share_of_worker()
    try:
        _train(config, shared)
    except Exception as error:
        kind = _kind(error, shared.checkpoints)
        if kind != "storage":
            # The callback that sees this forbids the retries that are meant for lost workers,
            # and for storage that does not answer.
            told = {"error": _one_line(error), "kind": kind}
            tune.report({**told, "val_auroc": {"mean": float("nan")}})
        raise


def _train(config: dict[str, Any], shared: Shared) -> None:
    from memgan.training import Repeated

    study = shared.study
    configuration = study.configuration(config["values"], shared.runtime, config["schedule"])
    classes = shared.classes[config["group"]]
    training = Repeated(
        configuration, shared.development, classes=classes, seeds=study.seeds_of_trials
    )
    _go_on(training, config["checkpoint"], shared.checkpoints)
    until = config["until"]
    if training.epoch >= until:
        # All was trained before its process was lost, and only the end was not told yet.
        told = _flat(training.standing())
        tune.report(told | _measured(study, training, told))
    while training.epoch < until:
        told = _flat(training.advance())
        if training.epoch < until and training.epoch % study.resources.checkpoint_epochs:
            tune.report(told)
            continue
        with tempfile.TemporaryDirectory() as folder:
            training.save(Path(folder) / CHECKPOINT_FILE)
            if training.finished:
                _save_influence(training, Path(folder) / INFLUENCE_FILE)
            tune.report(
                told | _measured(study, training, told),
                checkpoint=tune.Checkpoint.from_directory(folder),
            )


def _save_influence(training: Repeated, path: Path) -> None:
    from memgan.stats import mean_influence

    found = []
    for one in training.trainings:
        scores = {name: validated.scores for name, validated in one.validated.items()}
        influence = mean_influence(training.development, scores)
        if influence is None:
            return
        found.append(influence)
    # A mean of figures moves by the mean of what moves each of them.
    np.save(path, np.mean(found, axis=0), allow_pickle=False)


def _go_on(training: Repeated, earlier: str | None, checkpoints: Storage) -> None:
    checkpoint = tune.get_checkpoint()
    if checkpoint is None and earlier is not None:
        kept = stored(checkpoints, earlier)
        if kept.written_at(CHECKPOINT_FILE) is not None:
            checkpoint = tune.Checkpoint(path=kept.path, filesystem=kept.filesystem)
    if checkpoint is not None:
        with checkpoint.as_directory() as folder:
            training.load(Path(folder) / CHECKPOINT_FILE)


def _flat(report: EpochReport) -> dict[str, Any]:
    from memgan.health import by_measure

    return {
        "epoch": report.epoch,
        "val_auroc": {**report.val_auroc, "mean": report.mean_val_auroc},
        "val_auroc_sd": report.val_auroc_sd,
        "made_auroc": mean_by_kind(report.made_auroc),
        "losses": report.losses,
        "health": by_measure(report.health),
        "seconds": report.seconds,
        "images_per_second": report.images_per_second,
        "peak_memory_mb": report.peak_memory_mb,
        "gpu_memory_mb": gpu_memory_mb(),
    }


def _measured(study: Study, training: Repeated, told: Mapping[str, Any]) -> dict[str, Any]:
    """Objectives beside AUROC, once all is trained. told: of the last epoch, as `_flat`."""
    if not training.finished or len(study.objectives) == 1:
        return {}
    health = {name: of["mean"] for name, of in told["health"].items()}
    measured = of_health(study.objectives, health)
    if "scoring-seconds" in study.objectives:
        measured["scoring-seconds"] = training.scoring_seconds()
    return {"measured": measured}


def _kind(error: Exception, checkpoints: Storage) -> str:
    """Whose fault it is: memory, full (a disk), storage, or trial."""
    if is_out_of_memory(error):
        return "memory"
    places = (Path(tempfile.gettempdir()), checkpoints.local)
    if is_full(error) or any(place and why_no_room(place, NEXT_TO_NOTHING) for place in places):
        return "full"
    return "storage" if isinstance(error, OSError) else "trial"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemganError):
        prefix = "diverged: " if isinstance(error, TrainingDiverged) else ""
        return prefix + text
    return f"{type(error).__name__}: {text}"[:500]


def with_data(shared: Shared) -> Any:
    """`train_trial` with what all trials share; the images lie once a node, read-only."""
    return tune.with_parameters(train_trial, shared=shared)
