"""The bundle of one class, from its trained cells: weights, ONNX model, calibration, card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memgan.bundle.bundle import BundleConfig, save_bundle
from memgan.bundle.calibration import Calibration, shortages
from memgan.bundle.card import write_card
from memgan.config import Configuration, DetectorParameters, detector_package
from memgan.data import Pixels, Split
from memgan.machine import versions

if TYPE_CHECKING:
    from memgan.detectors import Detector
    from memgan.training import Cell

_TRIED = 256
"""Of held-out images, on which a bundle's ONNX model must score as torch does."""


def write_bundle(
    folder: Path,
    configuration: Configuration,
    split: Split,
    cells: Sequence[Cell],
    false_alarm_rate: float | None = None,
) -> None:
    """The bundle of one class: weights of the first seed's cell, figures of all of them.

    false_alarm_rate: in (0, 1), else ConfigError; None is `Calibration`'s own. MemganError where
    the ONNX model would not score as torch does.
    """
    import torch

    from memgan.bundle.graph.example import example_files
    from memgan.bundle.graph.onnx_export import to_onnx
    from memgan.detectors import build_detector

    first = cells[0]
    detector = build_detector(
        configuration.detector,
        configuration.parameters_for(first.normal_class),
        image_shape=split.development.train.image_shape,
        seed=first.seed,
        device=torch.device("cpu"),
    )
    detector.load_weights(first.weights)
    config = BundleConfig(
        detector=configuration.detector,
        normal_class=first.normal_class,
        seed=first.seed,
        image_shape=split.development.train.image_shape,
        data=configuration.data.model_copy(update={"dir": None}),
        split_hash=split.hash,
        parameters=configuration.parameters_for(first.normal_class).portable(),
        versions=versions(detector_package(configuration.detector)),
    )
    normals = split.development.validation.of_class(first.normal_class)
    calibration = _with_marks(
        _calibration(first, false_alarm_rate), first, detector, config.parameters, normals
    )
    held_out = split.development.validation.images
    model, example = None, dict[str, bytes]()
    if config.parameters.only_in_torch is None:
        model = to_onnx(
            detector,
            config.parameters,
            held_out[:: 1 + len(held_out) // _TRIED],
            normal_scores=calibration.normal_scores,
            resize=config.data.resize,
        )
        example |= example_files(model, config.image_shape, calibration)
    card = write_card(config, calibration, split, cells, configuration.origin)
    frozen = detector.frozen()
    save_bundle(folder, config, first.weights, model, calibration, card, frozen, example)


def without_model(configuration: Configuration, classes: Iterable[str]) -> list[str]:
    """A line where bundles of these normal classes have no ONNX model, which says why."""
    whys = {configuration.parameters_for(name).only_in_torch for name in classes}
    return [f"bundles have no ONNX model: {why}" for why in sorted(filter(None, whys))]


def calibration_shortages(
    cells: Mapping[str, Sequence[Cell]], false_alarm_rate: float | None = None
) -> list[str]:
    """A line for the normal classes whose bundle has too few held-out normals for its false-alarm
    rate; arguments as those of `write_bundle`, by class."""
    return shortages({k: _calibration(of[0], false_alarm_rate) for k, of in cells.items()})


def _calibration(cell: Cell, false_alarm_rate: float | None) -> Calibration:
    scores = tuple(float(score) for score in cell.normal_scores)
    calibration = Calibration(normal_scores=scores, folds=cell.folds)
    return calibration if false_alarm_rate is None else calibration.at(false_alarm_rate)


def _with_marks(
    calibration: Calibration,
    cell: Cell,
    detector: Detector,
    parameters: DetectorParameters,
    normals: Pixels,
) -> Calibration:
    """With what pixels of normal images reach: by the detectors of folds where the final one has
    trained on them, as its own marks and peaks are too low then."""
    from memgan.analysis import normal_residual, pixel_scores, window_of

    found = detector.maps(normals)
    marks: dict[str, Any] = {}
    residual = normal_residual(normals, detector.rebuild(normals), window_of(parameters))
    if residual is not None:
        mark = residual if cell.normal_mark is None else cell.normal_mark
        marks["normal_residual"] = float(np.clip(mark, 1, 255))
    if found is not None:
        mark = float(np.quantile(found, 0.99)) if cell.normal_mark is None else cell.normal_mark
        marks["normal_map"] = max(mark, 1e-6)
    peaks = cell.normal_peaks
    if not cell.folds:
        found = pixel_scores(detector, parameters, normals) if found is None else found
        peaks = None if found is None else found.max(axis=(1, 2))
    if peaks is not None:
        marks["normal_peaks"] = tuple(sorted(float(peak) for peak in peaks))
    return calibration.model_copy(update=marks)
