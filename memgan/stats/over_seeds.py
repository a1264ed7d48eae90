"""A figure over several seeds and over several classes: mean, spread, and the mean's interval.

This is the one definition of each, for tables, reports, comparisons and the record.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

SquaredError = tuple[float, int]
"""The squared standard error of a mean, and its degrees of freedom, at least 1."""


@dataclass(frozen=True)
class OverSeeds:
    """A figure over seeds, such as AUROC from 0 to 1."""

    mean: float
    sd: float | None
    """The standard deviation of the sample; None for one seed."""
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> OverSeeds:
        """values: one a seed, at least one."""
        sd = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), sd, len(values))

    @property
    def half_width(self) -> float | None:
        """Half of the mean's 95 % interval, by Student's t; None for one seed."""
        if self.sd is None:
            return None
        return half_width([squared_error(self.sd, self.seeds)]) if self.sd else 0.0


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are known, each with the same weight; None where none is."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def mean_over_classes(by_class: Collection[Mapping[int, float]]) -> OverSeeds | None:
    """The mean over classes of each class's mean over its seeds.

    by_class: for each class its figures by seed. The spread is that of the seeds' means over
    classes, of the seeds that every class has, and `seeds` is their number. None without any
    class, or where a class has no figure at all.
    """
    if not by_class or not all(by_class):
        return None
    shared = set.intersection(*(set(by_seed) for by_seed in by_class))
    of_seeds = [statistics.fmean(by_seed[seed] for by_seed in by_class) for seed in sorted(shared)]
    mean = statistics.fmean(statistics.fmean(by_seed.values()) for by_seed in by_class)
    return OverSeeds(mean, statistics.stdev(of_seeds) if len(of_seeds) > 1 else None, len(of_seeds))


def squared_error(sd: float, values: int) -> SquaredError:
    """The error of a mean of `values` values, two or more, from their standard deviation."""
    return sd**2 / values, values - 1


def half_width(errors: Sequence[SquaredError]) -> float | None:
    """Half of the 95 % interval of a sum or difference of independent means (Welch).

    For a single mean this is Student's interval. None where there is no error to go by.
    """
    # scipy's confidence_interval() takes samples; printed figures come as mean, sd and number.
    if not errors:
        return None
    from scipy.stats import t

    variance = sum(v for v, _ in errors)
    freedom = variance**2 / sum(v**2 / degrees for v, degrees in errors)
    return float(t.ppf(0.975, freedom)) * sqrt(variance)
