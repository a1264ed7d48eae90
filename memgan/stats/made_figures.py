"""AUROC on each kind of made anomaly, by class and over classes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping


def mean_by_kind(by_class: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """By kind AUROC of every class that has it and, under "mean", the mean of those, 0 to 1.

    by_class: by normal class and kind.
    """
    kinds = dict.fromkeys(kind for of_class in by_class.values() for kind in of_class)
    found: dict[str, dict[str, float]] = {}
    for kind in kinds:
        figures = {name: of_class[kind] for name, of_class in by_class.items() if kind in of_class}
        found[kind] = {**figures, "mean": statistics.fmean(figures.values())}
    return found
