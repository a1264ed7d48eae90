"""A line on standard error while a search runs; nothing where that is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class LiveProgress:
    """Trials done of how many, best so far, time left. A `TrialListener`.

    trials, epochs: the whole that is searched; what an earlier process did is `done_before`.
    comparable: whether one best stands for all trials, as where they train the same classes.
    """

    def __init__(
        self,
        *,
        trials: int,
        epochs: int,
        done_before: int = 0,
        comparable: bool = True,
        stream: TextIO | None = None,
    ) -> None:
        self._trials = trials
        self._epochs = epochs
        self._comparable = comparable
        self._ended = done_before
        self._begun_with = done_before
        self._running: dict[str, int] = {}
        self._best: tuple[float, str] | None = None
        self._started = time.monotonic()
        self._stream = stream or sys.stderr
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> LiveProgress:
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[text]}"),
                console=Console(file=self._stream),
                transient=True,
            )
            self._task = self._bar.add_task("search", total=self._trials, text=self.text())
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def trial_started(self, trial_id: str, params: Mapping[str, Any], normal_class: str) -> None:
        self._running[trial_id] = 0
        self._show()

    def trial_epoch(
        self,
        trial_id: str,
        epoch: int,
        val_auroc: Mapping[str, float],
        losses: Mapping[str, float],
        seconds: float,
        images_per_second: float,
        peak_memory_mb: float,
    ) -> None:
        self._running[trial_id] = epoch
        if epoch >= self._epochs:
            mean = val_auroc["mean"]
            if self._best is None or mean > self._best[0]:
                self._best = (mean, trial_id)
        self._show()

    def trial_changed(self, trial_id: str, epoch: int, params: Mapping[str, Any]) -> None:
        """Not shown."""

    def trial_measured(self, trial_id: str, epoch: int, values: Mapping[str, float]) -> None:
        """Not shown."""

    def trial_ended(
        self,
        trial_id: str,
        status: str,
        error: str | None = None,
        stopped_by: str | None = None,
    ) -> None:
        self._running.pop(trial_id, None)
        self._ended += 1
        self._show()

    def study_best(self, val_auroc: Mapping[str, float], step: int) -> None:
        """Shown by `trial_epoch` already."""

    def text(self) -> str:
        """What stands beside the bar."""
        parts = [f"{self._ended}/{self._trials} trials"]
        if self._running:
            parts.append(f"{len(self._running)} running")
        if self._best and self._comparable:
            parts.append(f"best {100 * self._best[0]:.2f} ({self._best[1]})")
        if (left := self.seconds_left()) is not None:
            parts.append(f"{int(left) // 60}:{int(left) % 60:02d} left")
        return " · ".join(parts)

    def seconds_left(self) -> float | None:
        """By the pace so far, early stops included; None before the first trial ends."""
        in_part = sum(min(1.0, epoch / self._epochs) for epoch in self._running.values())
        done = self._ended - self._begun_with + in_part
        if self._ended == self._begun_with:
            return None
        left = self._trials - self._ended - in_part
        return max(0.0, left) * (time.monotonic() - self._started) / done

    def _show(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._ended, text=self.text())
