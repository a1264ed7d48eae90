"""When a trial is stopped early: schedulers by name, each with its own typed options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from memgan.config import Frozen, parse
from memgan.errors import unknown_name

METRIC = "val_auroc/mean"
"""The objective in a flattened report, maximised; never absent from a report."""
TIME = "epoch"
"""What schedulers count by: it goes on after a resume, unlike Tune's own iterations."""

History = Iterable[tuple[str, Mapping[int, float]]]
"""Earlier trials by id, with the objective by epoch."""


class Scheduler(Frozen):
    """What every scheduler has."""

    name: str
    """The scheduler's name."""


class Asha(Scheduler):
    """At each rung (grace_epochs times a power of reduction_factor) only the best share of
    1 / reduction_factor of the trials seen there goes on."""

    name: Literal["asha"] = "asha"
    grace_epochs: int = Field(2, ge=1)
    """Epochs that every trial may train before it can be stopped."""
    reduction_factor: float = Field(3, gt=1)
    """One in this many trials of each rung goes on."""


class HyperBand(Scheduler):
    """ASHA with several brackets, each more patient than the one before it.

    Asynchronous: the synchronous kind waits for whole brackets and stops nothing with few
    trials at a time.
    """

    name: Literal["hyperband"] = "hyperband"
    grace_epochs: int = Field(2, ge=1)
    """Epochs that every trial may train before it can be stopped, in the first bracket."""
    reduction_factor: float = Field(3, gt=1)
    """One in this many trials of each rung goes on."""
    brackets: int = Field(2, ge=1)
    """The number of brackets. Each has a longer grace than the one before."""


class Median(Scheduler):
    """A trial stops if its best value is worse than the median of the other trials' running
    means."""

    name: Literal["median"] = "median"
    grace_epochs: int = Field(2, ge=1)
    """Epochs that every trial may train before it can be stopped."""
    min_trials: int = Field(3, ge=1)
    """The number of trials that must have reached an epoch before their median counts."""


class Pbt(Scheduler):
    """Population-based training: all trials are one population. Every few epochs its worst members
    take over weights and values of its best, and change these values a little."""

    name: Literal["pbt"] = "pbt"
    interval_epochs: int | None = Field(None, ge=1)
    """The epochs between two changes; None is a fifth of a trial's epochs."""
    quantile: float = Field(0.25, gt=0, le=0.5)
    """The share of members that give way, and the share of members that they take over from."""
    resample_probability: float = Field(0.25, ge=0, le=1)
    """The probability that a value is drawn again instead of moved."""
    factors: tuple[float, float] = (0.8, 1.25)
    """A value is multiplied by one of these two; in a list it moves a place down or up."""
    mutate: tuple[str, ...] | None = None
    """The parameters that change; None is all searched ones that may change in training. The others
    are drawn once and passed on with the weights."""

    def interval(self, epochs: int) -> int:
        """Epochs between two changes in trials of `epochs` epochs."""
        return self.interval_epochs or max(1, epochs // 5)

    @model_validator(mode="after")
    def _down_and_up(self) -> Pbt:
        down, up = self.factors
        if not 0 < down < 1 < up:
            raise ValueError(f"factors are one below and one above 1, got {down} and {up}")
        return self


class NoScheduler(Scheduler):
    """Every trial runs all its epochs."""

    name: Literal["none"] = "none"


SCHEDULERS: Mapping[str, type[Scheduler]] = {
    "asha": Asha,
    "hyperband": HyperBand,
    "median": Median,
    "pbt": Pbt,
    "none": NoScheduler,
}


def make_scheduler(raw: Any) -> Scheduler:
    """A scheduler as written in a study file: its name, or a mapping with `name` and options.

    UnknownName or ConfigError say what is allowed.
    """
    if isinstance(raw, Scheduler):
        return raw
    options = {"name": "none" if raw is None else raw} if not isinstance(raw, Mapping) else raw
    name = options.get("name", "asha")
    if name not in SCHEDULERS:
        raise unknown_name("scheduler", str(name), SCHEDULERS)
    return parse(SCHEDULERS[name], options, "scheduler")
