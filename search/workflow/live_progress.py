"""What is shown while trials are trained, and while the finals are: kept up by what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memgan.text import clock
from memgan.waiting import waiting_for
from search.finals import ANCHOR_KEYS
from search.journal import State, TrialOutcome
from search.study import Study, broken
from search.workflow.study_status import Standing, standing, standing_table
from tracking import TrialEpoch

if TYPE_CHECKING:
    from rich.console import RenderableType

_STATES: Mapping[str, State] = {"FINISHED": "finished", "KILLED": "stopped", "FAILED": "failed"}


class LiveProgress:
    """A study's standing, kept up by what happens to its trials. A `TrialListener`.

    groups: what earlier processes did, by the names of all groups. seconds: what they took.
    now: a clock in seconds.
    """

    def __init__(
        self,
        study: Study,
        groups: Mapping[str, Sequence[TrialOutcome]],
        *,
        seconds: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study = study
        self._now = now
        self._groups = {
            name: {outcome.trial_id: outcome for outcome in outcomes}
            for name, outcomes in groups.items()
        }
        self._group_of = {o.trial_id: name for name, of in groups.items() for o in of}
        self._in_training: set[str] = set()
        self._began = now() - seconds

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While the block lasts, this is what is being waited for."""
        with waiting_for("training trials", self.table):
            yield

    def table(self) -> RenderableType:
        """The standing, for a terminal."""
        return standing_table(self._study, self.standing())

    def standing(self) -> Standing:
        """How far the study is now."""
        # Of copies, as another thread draws.
        groups = {name: list(of_group.values()) for name, of_group in self._groups.items()}
        seconds = self._now() - self._began
        return standing(self._study, groups, seconds, set(self._in_training))

    def trial_started(self, trial_id: str, params: Mapping[str, Any], normal_class: str) -> None:
        self._group_of[trial_id] = normal_class
        values = {name: params[name] for name in self._study.space if name in params}
        blank = TrialOutcome(trial_id, "unfinished", values, 0, {})
        self._groups[normal_class].setdefault(trial_id, blank)
        self._in_training.add(trial_id)

    def trial_epoch(self, event: TrialEpoch) -> None:
        health = {name: of["mean"] for name, of in event.health.items() if "mean" in of}
        self._change(
            event.trial_id,
            epochs=event.epoch,
            val_auroc=dict(event.val_auroc),
            health=health,
            broken=broken(self._study.constraints, health),
        )

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


class FinalsProgress:
    """Counts what ends after the trials, and says how long the rest will take."""

    def __init__(
        self,
        baselines: int,
        *,
        expected: float | None,
        then: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """baselines: how many there are to train. expected: seconds to the end of the study, by
        the pace of the trials; None where it is not known. then: those of them that follow the
        finals."""
        self._baselines = baselines
        self._finals = self._finals_done = self._baselines_done = 0
        self._expected = None if expected is None else expected - then
        self._then = then
        self._now = now
        self._began = self._finals_began = now()

    def finals_begin(self, count: int) -> None:
        """There are so many finals to train."""
        self._finals = count
        self._began = self._finals_began = self._now()

    def final_ended(self) -> None:
        """One more, whether it succeeded or failed."""
        self._finals_done += 1

    def task_ended(self, key: Any) -> None:
        """For `TaskQueue`: baselines are counted by their tasks."""
        if key in ANCHOR_KEYS:
            self._baselines_done += 1
            if not self._finals_done:  # They are trained first, so finals begin now.
                self._finals_began = self._now()

    def line(self) -> str:
        """All of it in words."""
        parts = []
        if self._finals:
            parts.append(f"training finals, {self._finals_done} of {self._finals} done")
        if self._baselines:
            parts.append(f"training baselines, {self._baselines_done} of {self._baselines} done")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"about {clock(left)} left")
        return "; ".join(parts)

    def _seconds_left(self) -> float | None:
        """Export included. None where what is expected is over and nothing tells more."""
        now, left = self._now(), 0.0
        spent = now - self._began
        if self._finals_done:
            pace = (now - self._finals_began) / self._finals_done
            left = pace * (self._finals - self._finals_done)
        elif self._finals:
            if self._expected is None or spent >= self._expected:
                return None
            left = self._expected - spent
        elif self._baselines_done < self._baselines:
            return None
        return left + self._then
