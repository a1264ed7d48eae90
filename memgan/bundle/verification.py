"""Figures trained now beside those that a configuration was exported with, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memgan.bundle.trained_configuration import Trained
from memgan.config import Configuration, detector_package, flatten
from memgan.errors import BadInput
from memgan.machine import machine, versions


@dataclass(frozen=True)
class Comparison:
    """Figures trained now beside those that a configuration was exported with."""

    rows: tuple[tuple[str, str, float, float], ...]
    """(class, seed, recorded, now), AUROC 0 to 1."""
    differing: tuple[str, ...]
    """What else is not the same: values, device, threads, split, package versions, machine."""

    @property
    def equal(self) -> bool:
        return all(recorded == now for _, _, recorded, now in self.rows)

    def lines(self) -> list[str]:
        """What to tell a reader."""
        worst = max((abs(recorded - now) for *_, recorded, now in self.rows), default=0.0)
        verdict = (
            f"verified: {len(self.rows)} recorded figures are the same, digit for digit"
            if self.equal
            else f"not the same: of {len(self.rows)} recorded figures the largest gap is"
            f" {100 * worst:.3f} points"
        )
        return [verdict, *(f"differs: {what}" for what in self.differing)]

    def document(self) -> dict[str, Any]:
        return {
            "equal": self.equal,
            "figures": [
                {"class": name, "seed": seed, "recorded": recorded, "now": now}
                for name, seed, recorded, now in self.rows
            ],
            "differing": list(self.differing),
        }


def compare_with_origin(trained: Trained, file: Configuration) -> Comparison:
    """Hold what was trained against what `file`, as it was read, was exported with.

    BadInput where it records no figure for any class and seed that was trained.
    """
    origin = file.origin
    recorded = origin.test_auroc if origin else {}
    rows = tuple(
        (name, str(cell.seed), recorded[name][str(cell.seed)], cell.test_auroc)
        for name, cells in trained.cells.items()
        for cell in cells
        if cell.test_auroc is not None and str(cell.seed) in recorded.get(name, {})
    )
    cells_of_all = [cell for cells in trained.cells.values() for cell in cells]
    if origin is not None and all(cell.test_auroc is None for cell in cells_of_all):
        raise BadInput(
            "--verify compares test AUROC, and these images have no anomalies to test on; add some"
            " in a test part, or train without --verify"
        )
    if origin is None or not rows:
        raise BadInput(
            "--verify needs a file that records figures for these classes and seeds, such as the"
            " best.yaml that `memgan export` writes"
        )
    then = {"split": origin.split_hash[:8], **origin.versions, "machine": origin.machine}
    today = versions(detector_package(file.detector))
    now = {"split": trained.split.hash[:8], **today, "machine": machine()}
    by_class = [_changes(file, trained.configuration, name) for name in trained.cells]
    common = [change for change in by_class[0] if all(change in one for one in by_class)]
    own = [
        f"class {name}: {change}"
        for name, changes in zip(trained.cells, by_class, strict=True)
        for change in changes
        if change not in common
    ]
    return Comparison(rows, (*common, *own, *_differing(then, now)))


def _changes(file: Configuration, used: Configuration, name: str) -> list[str]:
    return _differing(_values(file, name), _values(used, name))


def _values(configuration: Configuration, name: str) -> dict[str, Any]:
    """What the training of one class depends on, by dotted keys."""
    data = configuration.data.model_dump(mode="json", exclude={"dir"})
    return {
        **flatten(configuration.parameters_for(name)),
        **{f"data.{key}": value for key, value in data.items()},
        **{f"runtime.{key}": value for key, value in configuration.runtime.model_dump().items()},
    }


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{what} {then.get(what)} then, {now.get(what)} now"
        for what in {**then, **now}
        if then.get(what) != now.get(what)
    ]
