"""When a trial is stopped early: schedulers by name, each with its own typed options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from memgan.config import Frozen, parse
from memgan.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

METRIC = "val_auroc/mean"
"""The objective in a flattened report, maximised; never absent from a report."""
TIME = "epoch"
"""What schedulers count by: it goes on after a resume, unlike Tune's own iterations."""

History = Iterable[tuple[str, Mapping[int, float]]]
"""Earlier trials by id, with the objective by epoch."""


class Scheduler(Frozen):
    """What every scheduler has."""

    name: str


class Asha(Scheduler):
    """At each rung (grace_epochs times a power of reduction_factor) only the best share of
    1 / reduction_factor of the trials seen there goes on."""

    name: Literal["asha"] = "asha"
    grace_epochs: int = Field(2, ge=1)
    reduction_factor: float = Field(3, gt=1)


class HyperBand(Scheduler):
    """ASHA with several brackets, each more patient than the one before it.

    Asynchronous: the synchronous kind waits for whole brackets and stops nothing with few
    trials at a time.
    """

    name: Literal["hyperband"] = "hyperband"
    grace_epochs: int = Field(2, ge=1)
    reduction_factor: float = Field(3, gt=1)
    brackets: int = Field(2, ge=1)


class Median(Scheduler):
    """A trial stops whose best is worse than the median of the others' running means."""

    name: Literal["median"] = "median"
    grace_epochs: int = Field(2, ge=1)
    min_trials: int = Field(3, ge=1)


class NoScheduler(Scheduler):
    """Every trial runs all its epochs."""

    name: Literal["none"] = "none"


SCHEDULERS: Mapping[str, type[Scheduler]] = {
    "asha": Asha,
    "hyperband": HyperBand,
    "median": Median,
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
    if name == "pbt":
        raise ConfigError(f"scheduler pbt is not available yet; take {', '.join(SCHEDULERS)}")
    if name not in SCHEDULERS:
        raise unknown_name("scheduler", str(name), SCHEDULERS)
    return parse(SCHEDULERS[name], options, "scheduler")


def build_scheduler(scheduler: Scheduler, *, epochs: int, history: History = ()) -> TrialScheduler:
    """The Tune scheduler for trials of `epochs` epochs, knowing what earlier trials reached."""
    from ray.tune.schedulers import FIFOScheduler, MedianStoppingRule

    from search.rungs import RememberingAsha

    if isinstance(scheduler, Asha | HyperBand):
        built = RememberingAsha(
            grace_epochs=min(scheduler.grace_epochs, epochs),
            epochs=epochs,
            reduction_factor=scheduler.reduction_factor,
            brackets=scheduler.brackets if isinstance(scheduler, HyperBand) else 1,
        )
        for trial_id, values in history:
            built.remember(trial_id, values)
        return built
    if isinstance(scheduler, Median):
        return MedianStoppingRule(
            time_attr=TIME,
            grace_period=scheduler.grace_epochs,
            min_samples_required=scheduler.min_trials,
        )
    return FIFOScheduler()
