"""Cells: one configuration on one normal class with one seed, trained in full and then tested."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import torch

from memgan.analysis import (
    CodePlane,
    Extremes,
    find_extremes,
    pixel_scores,
    project_to_plane,
    sample_evenly,
)
from memgan.config import Configuration, Runtime
from memgan.data import Development, Flags, LabeledImages, Pixels, Scores, Split
from memgan.detectors import Detector, Memgan
from memgan.errors import TrainingDiverged
from memgan.health import Health
from memgan.machine import hold_to_gpu_share, machine_share, prepare_process, trainings_at_once
from memgan.stats import (
    ImageScores,
    PixelFigures,
    auroc,
    average_precision,
    false_positive_rate_at_recall,
    masks_say_where,
    pixel_figures,
)
from memgan.training.cross_fit import OutOfFold, on_all, out_of_fold
from memgan.training.lockstep import Training


@dataclass(frozen=True, eq=False)
class Cell:
    """What one full training gave. Figures are 0 to 1; None where the labels needed are absent."""

    normal_class: str
    seed: int
    val_auroc: float | None
    test_auroc: float | None
    test_average_precision: float | None
    test_fpr_at_95_recall: float | None
    seconds: float
    weights: dict[str, torch.Tensor]
    normal_scores: Scores
    """Scores of normal images by detectors that did not train on them, ascending: what calibration
    is made from."""
    test_scores: Scores
    test_anomalous: Flags
    decoded_memory: Pixels | None = field(default=None)
    """G(M), uint8 (n, C, H, W), for detectors with a memory."""
    extremes: Extremes | None = field(default=None)
    code_plane: CodePlane | None = field(default=None)
    """For detectors with a memory."""
    validation: ImageScores | None = field(default=None)
    """Of the images that it was validated on: labelled ones, or anomalies made from normals."""
    folds: int = 0
    """Into how many folds the normal images were cut to calibrate by cross-fitting; 0 where
    held-out ones calibrate."""
    health: tuple[Health, ...] = ()
    """Measures of what is rebuilt, of memory and game after each epoch; empty of detectors that
    have none of them."""
    normal_peaks: Scores | None = field(default=None)
    """The highest value of the map of each normal image, by detectors that did not train on it,
    ascending; of cross-fitting alone."""
    normal_mark: float | None = None
    """What 99 % of the pixels of these maps stay below; of cross-fitting alone."""
    pixels: PixelFigures | None = field(default=None)
    """On the test images that have masks; None without any, and for a detector without maps."""


def train_cell(
    configuration: Configuration,
    development: Development,
    test: LabeledImages,
    normal_class: str,
    seed: int,
) -> Cell:
    """Train on one normal class with one seed, then score the test images once.

    With `data.calibration: cross-fit` it trains on the held-out normals too, and what they
    calibrate and validate comes from detectors of folds. Raises TrainingDiverged.
    """
    prepare_process(configuration.runtime.threads)
    started = time.perf_counter()
    crossed = configuration.data.calibration == "cross-fit"
    seen = on_all(development, normal_class) if crossed else development
    training = Training(configuration, seen, classes=[normal_class], seed=seed)
    health = []
    while not training.finished:
        health.append(training.advance(validate=False).health.get(normal_class))
    detector = training.detectors[normal_class]
    if crossed:
        training.prepare_to_score()
        held_out = out_of_fold(configuration, development, normal_class, seed, detector)
    else:
        held_out = _held_out(training, development, normal_class)
    anomalous = test.anomalous(normal_class)
    scores = detector.score(test.images) if len(test) else np.zeros(0)
    if not np.isfinite(scores).all():
        raise TrainingDiverged(
            f"scores of class {normal_class} (seed {seed}) are not finite; lower the learning rate"
        )
    return Cell(
        normal_class=normal_class,
        seed=seed,
        val_auroc=held_out.val_auroc,
        **_tested(scores, anomalous),
        seconds=time.perf_counter() - started,
        weights=detector.weights(),
        normal_scores=held_out.normal_scores,
        test_scores=scores,
        test_anomalous=anomalous,
        decoded_memory=detector.decoded_memory() if isinstance(detector, Memgan) else None,
        extremes=find_extremes(detector, test.images, scores, anomalous) if len(test) else None,
        code_plane=_code_plane(detector, test, anomalous),
        validation=held_out.validation,
        folds=held_out.folds,
        normal_peaks=held_out.normal_peaks,
        normal_mark=held_out.normal_mark,
        health=tuple(measures for measures in health if measures),
        pixels=_pixels(configuration, detector, test, normal_class, anomalous),
    )


def _tested(scores: Scores, anomalous: Flags) -> dict[str, float | None]:
    """The figures of the test images, by the names that a cell has for them."""
    comparable = bool(anomalous.any() and not anomalous.all())
    figures = {
        "test_auroc": auroc,
        "test_average_precision": average_precision,
        "test_fpr_at_95_recall": false_positive_rate_at_recall,
    }
    return {
        name: figure(scores, anomalous) if comparable else None for name, figure in figures.items()
    }


def _pixels(
    configuration: Configuration,
    detector: Detector,
    test: LabeledImages,
    normal_class: str,
    anomalous: Flags,
) -> PixelFigures | None:
    if test.masks is None or not masks_say_where(test.masks, anomalous):
        return None
    # An anomalous image whose mask shows nothing, or that has none, would count as normal pixels.
    shown = np.flatnonzero(
        [
            mask is not None and not (bad and mask.bits is None)
            for mask, bad in zip(test.masks, anomalous, strict=True)
        ]
    )
    some = test.take(shown)
    maps = pixel_scores(detector, configuration.parameters_for(normal_class), some.images)
    if maps is None or some.masks is None:
        return None
    return pixel_figures(maps, some.masks, configuration.data.resize)


def _held_out(training: Training, development: Development, normal_class: str) -> OutOfFold:
    """What the one detector gives on the images that were held out from it."""
    val_auroc = training.validate().get(normal_class)
    detector = training.detectors[normal_class]
    validation = None
    if val_auroc is not None:
        images, anomalous = development.validation_of(normal_class)
        validation = ImageScores(detector.score(images), anomalous)
    normals = development.validation.of_class(normal_class)
    return OutOfFold(0, np.sort(detector.score(normals)), validation, val_auroc)


def _code_plane(detector: Detector, test: LabeledImages, anomalous: Flags) -> CodePlane | None:
    if not isinstance(detector, Memgan) or not len(test):
        return None
    some = sample_evenly(anomalous)
    codes = detector.codes(test.images[some])
    return project_to_plane(codes, anomalous[some], detector.memory_units())


def train_cells(
    configuration: Configuration,
    split: Split,
    *,
    classes: Sequence[str],
    seeds: Sequence[int],
    jobs: int | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> Iterator[Cell]:
    """Cells of all classes and seeds, as they are done, several processes at once.

    jobs: processes at most; by default as many as cores allow at `runtime.threads` each, one on a
    GPU. Never more than memory suffices for. Several on a GPU have equal shares of its memory.
    note: told a line where memory is what limits them.
    """
    wanted = [(name, seed) for seed in seeds for name in classes]
    at_once = _at_once(configuration.runtime, len(wanted), jobs, note)
    on_gpu = _on_gpu(configuration.runtime)
    run = joblib.Parallel(n_jobs=at_once, return_as="generator_unordered")
    yield from run(
        joblib.delayed(_train_within)(
            1 / at_once if on_gpu else 0.0,
            configuration,
            split.development,
            split.test,
            name,
            seed,
        )
        for name, seed in wanted
    )


def _train_within(gpu_share: float, *arguments: Any) -> Cell:
    hold_to_gpu_share(gpu_share)
    return train_cell(*arguments)


def _at_once(runtime: Runtime, wanted: int, jobs: int | None, note: Callable[[str], None]) -> int:
    share, on_gpu = machine_share(), _on_gpu(runtime)
    fits = trainings_at_once(share, threads=runtime.threads, on_gpu=on_gpu, most=jobs)
    by_cores = jobs or (1 if on_gpu else share.cpus // runtime.threads)
    if fits < min(by_cores, wanted):
        note(f"memory suffices for {fits} training{'s' * (fits > 1)} at once")
    return min(fits, wanted)


def _on_gpu(runtime: Runtime) -> bool:
    return runtime.device == "cuda" or (runtime.device == "auto" and torch.cuda.is_available())
