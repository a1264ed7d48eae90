"""A configuration trained over its classes and seeds, with one bundle a class."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memgan.bundle.bundle_of_cells import calibration_shortages, without_model, write_bundle
from memgan.bundle.bundle_place import check_bundle_place
from memgan.config import Configuration, OnFeatures, detector_package
from memgan.data import Split, check_normal_classes, load_split, why_no_validation
from memgan.errors import BadInput, ConfigError
from memgan.health import Verdict, health_line, verdicts
from memgan.machine import machine, versions
from memgan.text import percent
from memgan.training import class_figures, mean_figures
from memgan.waiting import waiting_for

if TYPE_CHECKING:
    from memgan.training import Cell


@dataclass(frozen=True, eq=False)
class Trained:
    """Cells of one configuration, by normal class in the order of its seeds."""

    configuration: Configuration
    split: Split
    cells: dict[str, list[Cell]]
    out: Path

    @property
    def verdicts(self) -> dict[str, tuple[Verdict, ...]]:
        """What is wrong with memory and game, by normal class, after the last epoch; means over
        seeds decide."""
        return {
            name: verdicts(class_figures(cells).health, self.configuration.parameters_for(name))
            for name, cells in self.cells.items()
        }

    def document(self) -> dict[str, Any]:
        """Figures as plain values, AUROC 0 to 1 and None where test has no labelled anomalies."""
        told = self.verdicts
        return {
            "detector": self.configuration.detector,
            "dataset": self.split.source,
            "split_hash": self.split.hash,
            "classes": {
                n: {
                    **class_figures(of).model_dump(mode="json", exclude_unset=True),
                    "verdicts": [verdict.model_dump() for verdict in told[n]],
                }
                for n, of in self.cells.items()
            },
            "mean": mean_figures(self.cells).model_dump(exclude_unset=True),
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
    _ensure_backbones(configuration, download)
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
    done = 0
    with waiting_for(lambda: f"training, {done} of {wanted} done", logged=False):
        from memgan.training import train_cells

        cells = train_cells(
            configuration, split, classes=classes, seeds=configuration.seeds, jobs=jobs, note=note
        )
        for done, cell in enumerate(cells, start=1):
            found[cell.normal_class][cell.seed] = cell
            figure = "no labelled test" if cell.test_auroc is None else percent(cell.test_auroc)
            note(
                f"{done}/{wanted}  class {cell.normal_class}  seed {cell.seed}"
                f"  test AUROC {figure}  {cell.seconds:.0f} s"
            )
            if cell.health:
                note(f"       {health_line(cell.health[-1])}")
    ordered = {name: [found[name][seed] for seed in configuration.seeds] for name in classes}
    for name, of_class in ordered.items():
        with waiting_for(f"exporting: bundle of class {name}"):
            write_bundle(out / "bundles" / name, configuration, split, of_class)
    for line in (*calibration_shortages(ordered), *without_model(configuration, ordered)):
        note(line)
    return Trained(configuration, split, ordered, out)


def _ensure_backbones(configuration: Configuration, download: bool) -> None:
    own = (configuration.parameters_for(name) for name in configuration.by_class)
    all_parameters = [configuration.parameters, *own]
    found = [one.features for one in all_parameters if isinstance(one, OnFeatures)]
    wanted = [one for one in found if one is not None]
    if wanted:
        from memgan.features import ensure_backbones  # It needs torch, which takes seconds.

        ensure_backbones(wanted, download=download)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(
            f"{folder} cannot be written ({error.strerror}); choose another with --out"
        ) from None
