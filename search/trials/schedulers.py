"""Tune's schedulers, built from what a study says of its scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.study import Asha, History, HyperBand, Median, Scheduler
from search.trials.rungs import RememberingAsha, RememberingMedian

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


def build_scheduler(scheduler: Scheduler, *, epochs: int, history: History = ()) -> TrialScheduler:
    """The Tune scheduler for trials of `epochs` epochs, knowing what earlier trials reached."""
    from ray.tune.schedulers import FIFOScheduler

    built: RememberingAsha | RememberingMedian

    if isinstance(scheduler, Asha | HyperBand):
        built = RememberingAsha(
            grace_epochs=min(scheduler.grace_epochs, epochs),
            epochs=epochs,
            reduction_factor=scheduler.reduction_factor,
            brackets=scheduler.brackets if isinstance(scheduler, HyperBand) else 1,
        )
    elif isinstance(scheduler, Median):
        built = RememberingMedian(
            grace_epochs=scheduler.grace_epochs, min_trials=scheduler.min_trials
        )
    else:
        return FIFOScheduler()  # Of a population the journal knows when to change what.
    for trial_id, values in history:
        built.remember(trial_id, values)
    return built
