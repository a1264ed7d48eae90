"""Schedulers that survive their process: what they know is keyed by the study's own trial ids
and can be filled in from its history.

Imported only where Ray is already in use.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, MedianStoppingRule, TrialScheduler

from search.study import METRIC, TIME


@dataclass(frozen=True)
class _Own:
    """A trial under the study's own id. Tune gives a trial another name in every process."""

    trial_id: str


def _own(trial: Any) -> _Own:
    return _Own(trial.config["trial_id"])


class RememberingAsha(ASHAScheduler):  # type: ignore[misc]  # Ray is untyped
    """Ray's ASHA under the study's own trial ids, whose rungs Tune would not keep."""

    def __init__(
        self, *, grace_epochs: int, epochs: int, reduction_factor: float, brackets: int
    ) -> None:
        super().__init__(
            time_attr=TIME,
            max_t=epochs,
            grace_period=grace_epochs,
            reduction_factor=reduction_factor,
            brackets=brackets,
        )

    def remember(self, trial_id: str, values: Mapping[int, float]) -> None:
        """Put a trial of an earlier process on the rungs it reached, best value maximised."""
        trial = _Own(trial_id)
        bracket = self._bracket_of(trial_id)
        for epoch in sorted(values):
            bracket.on_result(trial, epoch, values[epoch])

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        own = _own(trial)
        self._trial_info[own.trial_id] = self._bracket_of(own.trial_id)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> Any:
        return super().on_trial_result(tune_controller, _own(trial), result)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        super().on_trial_complete(tune_controller, _own(trial), result)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_remove(tune_controller, _own(trial))

    def _bracket_of(self, trial_id: str) -> Any:
        # By the id and not by chance: a resumed trial stays in its bracket.
        return self._brackets[zlib.crc32(trial_id.encode()) % len(self._brackets)]


class RememberingMedian(MedianStoppingRule):  # type: ignore[misc]
    """Ray's median rule under the study's own trial ids.

    It never pauses a trial to let others catch up: that would repeat the epochs since the
    trial's last checkpoint.
    """

    def __init__(self, *, grace_epochs: int, min_trials: int) -> None:
        super().__init__(time_attr=TIME, grace_period=grace_epochs, min_samples_required=min_trials)

    def remember(self, trial_id: str, values: Mapping[int, float]) -> None:
        """Count a trial of an earlier process, best value maximised."""
        for epoch in sorted(values):
            self._results[_Own(trial_id)].append({TIME: epoch, METRIC: values[epoch]})

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> Any:
        return super().on_trial_result(tune_controller, _own(trial), result)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        super().on_trial_complete(tune_controller, _own(trial), result)

    def _on_insufficient_samples(self, tune_controller: Any, trial: Any, time: float) -> Any:
        return TrialScheduler.CONTINUE


class ByGroup(FIFOScheduler):  # type: ignore[misc]
    """One scheduler for each group of classes, as trials of different classes are never
    compared; trials start in the order in which they are suggested."""

    def __init__(self, schedulers: Mapping[str, TrialScheduler]) -> None:
        super().__init__()
        self._schedulers = dict(schedulers)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        own = super().set_search_properties(metric, mode, **spec)
        each = [s.set_search_properties(metric, mode, **spec) for s in self._schedulers.values()]
        return own and all(each)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        self._of(trial).on_trial_add(tune_controller, trial)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        self._of(trial).on_trial_error(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> Any:
        return self._of(trial).on_trial_result(tune_controller, trial, result)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self._of(trial).on_trial_complete(tune_controller, trial, result)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        self._of(trial).on_trial_remove(tune_controller, trial)

    def _of(self, trial: Any) -> TrialScheduler:
        return self._schedulers[trial.config["group"]]
