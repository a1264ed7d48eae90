"""ASHA that survives its process: rungs are keyed by the study's trial ids and can be refilled.

Imported only where Ray is already in use.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import ASHAScheduler

from search.scheduler import TIME


class RememberingAsha(ASHAScheduler):  # type: ignore[misc]  # Ray is untyped
    """Ray's ASHA under the study's own trial ids.

    Tune names a trial anew in every process, and does not keep a scheduler's rungs; here both
    come back from the study's history.
    """

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
        trial = SimpleNamespace(trial_id=trial_id)
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


def _own(trial: Any) -> Any:
    return SimpleNamespace(trial_id=trial.config["trial_id"])
