"""A listener of trials that keeps what it is told."""

from __future__ import annotations

from typing import Any

from tracking import TrialEpoch


class Recorder:
    """Events in their order, each with its values. A `TrialListener`."""

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, event: str) -> Any:
        if event.startswith("__"):
            raise AttributeError(event)
        return lambda *values: self.events.append((event, values))

    def of(self, event: str) -> list[tuple[Any, ...]]:
        """The values of every event of this name."""
        return [values for name, values in self.events if name == event]

    def epochs(self, trial_id: str | None = None) -> list[TrialEpoch]:
        """What was told of epochs, of one trial or of all."""
        told = [event for (event,) in self.of("trial_epoch")]
        return [event for event in told if trial_id in (None, event.trial_id)]
