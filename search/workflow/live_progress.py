"""A table on standard error while a search runs; nothing where that is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from search.journal import State, TrialOutcome
from search.study import Study
from search.workflow.study_status import Standing, standing, standing_table
from tracking import TrialEpoch

if TYPE_CHECKING:
    from rich.live import Live

_STATES: Mapping[str, State] = {"FINISHED": "finished", "KILLED": "stopped", "FAILED": "failed"}


class LiveProgress:
    """A study's standing, kept up by what happens to its trials. A `TrialListener`.

    groups: what earlier processes did, by the names of all groups. seconds: what they took.
    """

    def __init__(
        self,
        study: Study,
        groups: Mapping[str, Sequence[TrialOutcome]],
        *,
        seconds: float = 0.0,
        stream: TextIO | None = None,
    ) -> None:
        self._study = study
        self._groups = {
            name: {outcome.trial_id: outcome for outcome in outcomes}
            for name, outcomes in groups.items()
        }
        self._group_of = {o.trial_id: name for name, of in groups.items() for o in of}
        self._in_training: set[str] = set()
        self._began = time.monotonic() - seconds
        self._stream = stream or sys.stderr
        self._live: Live | None = None

    def __enter__(self) -> LiveProgress:
        if self._stream.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=lambda: standing_table(self._study, self.standing()),
                console=Console(file=self._stream),
                refresh_per_second=2,
                transient=True,
            )
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def standing(self) -> Standing:
        """How far the study is now."""
        # Of copies, as another thread draws.
        groups = {name: list(of_group.values()) for name, of_group in self._groups.items()}
        seconds = time.monotonic() - self._began
        return standing(self._study, groups, seconds, set(self._in_training))

    def trial_started(self, trial_id: str, params: Mapping[str, Any], normal_class: str) -> None:
        self._group_of[trial_id] = normal_class
        values = {name: params[name] for name in self._study.space if name in params}
        blank = TrialOutcome(trial_id, "unfinished", values, 0, {})
        self._groups[normal_class].setdefault(trial_id, blank)
        self._in_training.add(trial_id)

    def trial_epoch(self, event: TrialEpoch) -> None:
        self._change(event.trial_id, epochs=event.epoch, val_auroc=dict(event.val_auroc))

    def trial_made(self, trial_id: str, epoch: int, made_auroc: Mapping[str, float]) -> None:
        """Not shown."""

    def trial_changed(self, trial_id: str, epoch: int, params: Mapping[str, Any]) -> None:
        """Not shown."""

    def trial_measured(self, trial_id: str, epoch: int, values: Mapping[str, float]) -> None:
        self._change(trial_id, objectives=dict(values))

    def trial_ended(
        self,
        trial_id: str,
        status: str,
        error: str | None = None,
        stopped_by: str | None = None,
    ) -> None:
        self._in_training.discard(trial_id)
        if stopped_by != "time budget":
            self._change(trial_id, state=_STATES[status])

    def study_best(self, val_auroc: Mapping[str, float], step: int) -> None:
        """Known from the trials already."""

    def _change(self, trial_id: str, **fields: Any) -> None:
        of_group = self._groups[self._group_of[trial_id]]
        of_group[trial_id] = replace(of_group[trial_id], **fields)
