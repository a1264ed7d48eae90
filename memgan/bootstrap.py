"""How sure a difference of two detectors is: a paired bootstrap over classes and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memgan.errors import BadInput

_RESAMPLES = 10_000
_LEVEL = 0.95

AurocBySeed = Mapping[str, Mapping[int, float]]
"""AUROC, 0 to 1, by normal class and then by seed."""


@dataclass(frozen=True)
class Difference:
    """Mean AUROC of one less that of another, over the classes both have, with its interval."""

    classes: tuple[str, ...]
    mean: float
    low: float
    high: float
    """The interval holds the middle 95 % of the resampled differences."""

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero, and so one of the two is better."""
        return self.low > 0 or self.high < 0


def paired_difference(
    first: AurocBySeed, second: AurocBySeed, *, resamples: int = _RESAMPLES, seed: int = 0
) -> Difference:
    """The mean difference first − second over the classes that both have, AUROC 0 to 1.

    A resample draws classes with replacement, the same ones for both, and for each class drawn
    seeds with replacement: the same ones for both where both have exactly these seeds, else of
    each its own. The interval is the percentile interval. With few classes or seeds it is, as
    every bootstrap's, a little too narrow; with a single seed it knows nothing of the spread
    between seeds. The same arguments give the same interval. BadInput where no class is common.
    """
    classes = tuple(name for name in first if name in second)
    if not classes:
        raise BadInput("the two have no normal class in common, so nothing can be compared")
    random = np.random.default_rng(seed)
    draws = (len(classes), resamples)
    gaps = np.stack([_resampled(first[name], second[name], draws, random) for name in classes])
    drawn = random.integers(len(classes), size=draws)
    chosen = np.take_along_axis(gaps, drawn[None], axis=0)[0]
    low, high = np.quantile(chosen.mean(axis=0), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    mean = np.mean([_mean(first[name]) - _mean(second[name]) for name in classes])
    return Difference(classes, float(mean), float(low), float(high))


def _resampled(
    first: Mapping[int, float],
    second: Mapping[int, float],
    draws: tuple[int, int],
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """One class's difference under seeds drawn anew, one for each of `draws`."""
    if set(first) == set(second):
        gaps = np.array([first[seed] - second[seed] for seed in first])
        return _means_of_draws(gaps, draws, random)
    of_each = (np.array(list(figures.values())) for figures in (first, second))
    one, other = (_means_of_draws(figures, draws, random) for figures in of_each)
    return one - other


def _means_of_draws(
    values: npt.NDArray[np.float64], draws: tuple[int, int], random: np.random.Generator
) -> npt.NDArray[np.float64]:
    picked = values[random.integers(len(values), size=(*draws, len(values)))]
    means: npt.NDArray[np.float64] = picked.mean(axis=-1)
    return means


def _mean(by_seed: Mapping[int, float]) -> float:
    return float(np.mean(list(by_seed.values())))
