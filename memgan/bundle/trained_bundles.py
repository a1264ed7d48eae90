"""A configuration trained over classes and seeds: its figures, its bundles, its table."""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from memgan.analysis import normal_residual
from memgan.bundle.bundle import BundleConfig, save_bundle
from memgan.bundle.bundle_place import check_bundle_place
from memgan.bundle.calibration import Calibration, shortages
from memgan.bundle.card import write_card
from memgan.bundle.onnx_export import to_onnx
from memgan.config import Configuration, detector_package
from memgan.data import Split, check_normal_classes, load_split, why_no_validation
from memgan.detectors import build_detector
from memgan.errors import BadInput, ConfigError
from memgan.fitting_table import Column, FittingTable
from memgan.machine import machine, versions
from memgan.training import Cell, train_cells

_TRIED = 256
"""Of held-out images, on which a bundle's ONNX model must score as torch does."""


@dataclass(frozen=True, eq=False)
class Trained:
    """Cells of one configuration, by normal class in the order of its seeds."""

    configuration: Configuration
    split: Split
    cells: dict[str, list[Cell]]
    out: Path

    def document(self) -> dict[str, Any]:
        """Figures as plain values, AUROC 0 to 1 and None where test has no labelled anomalies."""
        return {
            "detector": self.configuration.detector,
            "dataset": self.split.source,
            "split_hash": self.split.hash,
            "classes": {name: summary(cells) for name, cells in self.cells.items()},
            "mean": mean_over_classes(self.cells),
            "shortages": calibration_shortages(self.cells),
            "out": str(self.out),
            "machine": machine(),
            "versions": versions(detector_package(self.configuration.detector)),
        }


def train_configuration(
    configuration: Configuration,
    *,
    out: Path,
    download: bool = False,
    jobs: int | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train every class and seed; write one bundle a class, of the first seed, under `out`.

    note: told one line for each thing worth knowing while it runs.
    """
    split = load_split(
        configuration.data, normal_class=configuration.normal_class, download=download
    )
    classes = check_normal_classes(split, configuration.normal_class)
    for name in configuration.by_class:
        if name not in split.class_names:
            raise ConfigError(f"by_class.{name}: no such class in {split.source}")
    if configuration.origin and configuration.origin.split_hash != split.hash:
        note("the data differ from those of the study this configuration comes from")
    reasons = {why_no_validation(split, name) for name in classes} - {None}
    for reason in sorted(str(reason) for reason in reasons):
        note(reason)
    for remark in split.remarks:
        note(remark)
    for name in classes:
        check_bundle_place(out / "bundles" / name)
    _make_folder(out)
    found: dict[str, dict[int, Cell]] = defaultdict(dict)
    wanted = len(classes) * len(configuration.seeds)
    cells = train_cells(
        configuration, split, classes=classes, seeds=configuration.seeds, jobs=jobs, note=note
    )
    for done, cell in enumerate(cells, start=1):
        found[cell.normal_class][cell.seed] = cell
        figure = "no labelled test" if cell.test_auroc is None else f"{100 * cell.test_auroc:.1f}"
        note(
            f"{done}/{wanted}  class {cell.normal_class}  seed {cell.seed}"
            f"  test AUROC {figure}  {cell.seconds:.0f} s"
        )
    ordered = {name: [found[name][seed] for seed in configuration.seeds] for name in classes}
    for name, of_class in ordered.items():
        write_bundle(out / "bundles" / name, configuration, split, of_class)
    for line in calibration_shortages(ordered):
        note(line)
    return Trained(configuration, split, ordered, out)


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
        parameters=configuration.parameters_for(first.normal_class),
        versions=versions(detector_package(configuration.detector)),
    )
    normals = split.development.validation.of_class(first.normal_class)
    residual = normal_residual(normals, detector.rebuild(normals))
    calibration = _calibration(first, false_alarm_rate, residual)
    held_out = split.development.validation.images
    model = to_onnx(detector, held_out[:: 1 + len(held_out) // _TRIED])
    card = write_card(config, calibration, split, cells, configuration.origin)
    save_bundle(folder, config, first.weights, model, calibration, card)


def calibration_shortages(
    cells: Mapping[str, Sequence[Cell]], false_alarm_rate: float | None = None
) -> list[str]:
    """A line for the normal classes whose bundle has too few held-out normals for its false-alarm
    rate; arguments as those of `write_bundle`, by class."""
    return shortages({k: _calibration(of[0], false_alarm_rate) for k, of in cells.items()})


def _calibration(
    cell: Cell, false_alarm_rate: float | None, residual: float | None = None
) -> Calibration:
    scores = tuple(float(score) for score in cell.normal_scores)
    calibration = Calibration(normal_scores=scores, normal_residual=residual)
    return calibration if false_alarm_rate is None else calibration.at(false_alarm_rate)


def summary(cells: Sequence[Cell]) -> dict[str, Any]:
    """Figures of one class over its seeds; sd is of the sample, None for a single seed."""
    tested = [cell.test_auroc for cell in cells if cell.test_auroc is not None]
    validated = [cell.val_auroc for cell in cells if cell.val_auroc is not None]
    return {
        "val_auroc": statistics.fmean(validated) if validated else None,
        "test_auroc_mean": statistics.fmean(tested) if tested else None,
        "test_auroc_sd": statistics.stdev(tested) if len(tested) > 1 else None,
        "seeds": [cell.seed for cell in cells],
        "test_auroc": {str(cell.seed): cell.test_auroc for cell in cells},
        "seconds": sum(cell.seconds for cell in cells),
    }


def mean_over_classes(cells: dict[str, list[Cell]]) -> dict[str, float | None]:
    """Means over classes of the classes' means; sd is that of the seeds' means over classes, of
    those seeds that every class has."""
    figures = [summary(of_class) for of_class in cells.values()]
    validated = [f["val_auroc"] for f in figures if f["val_auroc"] is not None]
    tested = [f["test_auroc_mean"] for f in figures if f["test_auroc_mean"] is not None]
    by_class = [
        {cell.seed: cell.test_auroc for cell in of_class if cell.test_auroc is not None}
        for of_class in cells.values()
    ]
    common = set.intersection(*(set(of_class) for of_class in by_class))
    by_seed = [statistics.fmean(of_class[seed] for of_class in by_class) for seed in common]
    return {
        "val_auroc": statistics.fmean(validated) if validated else None,
        "test_auroc_mean": statistics.fmean(tested) if tested else None,
        "test_auroc_sd": statistics.stdev(by_seed) if len(by_seed) > 1 else None,
    }


def trained_table(trained: Trained) -> FittingTable:
    """AUROC by class in percent: validation, and test as mean ± sd over seeds."""
    document = trained.document()
    seeds = len(trained.configuration.seeds)
    table = FittingTable(
        "normal class",
        Column("validation", number=True),
        Column(f"test, {seeds} seed{'s' * (seeds > 1)}", number=True),
        title=f"{document['detector']} on {document['dataset']}, AUROC %",
    )
    for name, row in [*document["classes"].items(), ("mean", document["mean"])]:
        if name == "mean":
            table.add_section()
        table.add_row(name, percent(row["val_auroc"]), spread(row))
    return table


def percent(value: float | None) -> str:
    """0.9876 as "98.8"; a dash where there is no figure."""
    return "–" if value is None else f"{100 * value:.1f}"


def spread(row: dict[str, Any]) -> str:
    """Mean ± sd of a summary in percent; the mean alone for one seed."""
    mean, sd = row["test_auroc_mean"], row["test_auroc_sd"]
    return percent(mean) if sd is None else f"{percent(mean)} ± {percent(sd)}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(
            f"{folder} cannot be written ({error.strerror}); choose another with --out"
        ) from None
