"""Health over several normal classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memgan.health.known_measures import MEASURES, Health
from memgan.stats import mean_of_known

_MEAN = "mean"


def by_measure(by_class: Mapping[str, Health]) -> dict[str, dict[str, float]]:
    """From measures by normal class to classes by measure, each with "mean"."""
    names = [name for name in MEASURES if any(name in health for health in by_class.values())]
    found: dict[str, dict[str, float]] = {}
    for name in names:
        known = {of: health[name] for of, health in by_class.items() if name in health}
        found[name] = {**known, _MEAN: sum(known.values()) / len(known)}
    return found


def mean_health(healths: Iterable[Health]) -> dict[str, float]:
    """The mean of each measure over those that have it."""
    every = list(healths)
    found = {name: mean_of_known(health.get(name) for health in every) for name in MEASURES}
    return {name: value for name, value in found.items() if value is not None}
