"""Events on their way to an outbox that may not take them just now."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time

from tracking.events import Event, RunEnded, RunStarted, to_json
from tracking.outbox.outbox import Outbox

_AT_ONCE = 100
"""Events in one transaction."""
_PATIENCE = 1.0
_PATIENCE_IN_ALL = 4.0
"""Seconds to wait for an outbox that another process holds: at once, and by all `add` together."""


class Pending:
    """Appends to an outbox; what it does not take stays in memory, in order, for the next try.

    A full disk refuses at once, an outbox that is held by another process after a wait. All
    waits together are bounded, so that whoever tells of something is never held up for long.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._kept: list[Event] = []
        self._lock = threading.RLock()
        self._at_once = _AT_ONCE
        self._patience = _PATIENCE_IN_ALL
        outbox.set_patience(_PATIENCE)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, *events: Event) -> None:
        """Append these after all that is kept. What fails raises; the events are kept."""
        for event in events:
            # One that cannot be written at all must not stand in the way of the next ones.
            to_json(event)
        with self._lock:
            self._kept += events
            self.flush()

    def flush(self, *, patiently: bool = False) -> None:
        """Append what is kept; patiently: wait for another process whatever was waited before."""
        with self._lock:
            if patiently:
                self._outbox.set_patience(_PATIENCE)
            while self._kept:
                part = self._kept[: self._at_once]
                # After a try in vain the next one is with a single event, and so costs little.
                self._at_once = 1
                began = time.monotonic()
                try:
                    self._outbox.append(part)
                finally:
                    self._count_wait(time.monotonic() - began)
                del self._kept[: len(part)]
                self._at_once = _AT_ONCE

    def open_runs(self) -> list[str]:
        """The keys of runs that were started and have not ended since, by all that was added."""
        running: dict[str, None] = {}
        with self._lock, contextlib.suppress(sqlite3.Error):
            running = dict.fromkeys(self._outbox.open_runs())
        for event in self._kept:
            if isinstance(event, RunStarted):
                running[event.run_key] = None
            elif isinstance(event, RunEnded):
                running.pop(event.run_key, None)
        return list(running)

    def _count_wait(self, seconds: float) -> None:
        if seconds > _PATIENCE / 10:
            self._patience = max(0.0, self._patience - seconds)
            self._outbox.set_patience(min(_PATIENCE, self._patience))
