"""Ray tasks, with a limit on how many run at a time, as trials do.

Ray itself counts only cores and GPUs: left to it, the machine's memory and the number that the
user allows would not be asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import Any

Start = Callable[[], Any]
"""Submits a task to Ray; gives the reference to its result."""


class TaskQueue:
    """Tasks by key, begun in the order they were added. Ray must be connected."""

    def __init__(self, at_once: int, on_end: Callable[[Any], None] = lambda key: None) -> None:
        """on_end: told the key of each task as it ends, whoever waits for it."""
        self._at_once = at_once
        self._on_end = on_end
        self._waiting: deque[tuple[Any, Start]] = deque()
        self._running: dict[Any, Any] = {}
        self._ended: dict[Any, Any] = {}

    def add(self, key: Any, start: Start) -> None:
        """Run a task as soon as there is room for it; `key` is hashable, and of this task only."""
        self._waiting.append((key, start))
        self._fill()

    def ended(self, keys: Collection[Any]) -> Iterator[tuple[Any, Any]]:
        """(key, reference) of these tasks as they end, one way or the other; other tasks go on
        meanwhile. A key may be added again while this runs."""
        while True:
            for key in [key for key in self._ended if key in keys]:
                yield key, self._ended.pop(key)
            pending = {key for key, _ in self._waiting} | set(self._running.values())
            if not any(key in keys for key in pending | set(self._ended)):
                return
            if not any(key in keys for key in self._ended):
                self._wait_for_one()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._at_once:
            key, start = self._waiting.popleft()
            self._running[start()] = key

    def _wait_for_one(self) -> None:
        import ray

        (reference,), _ = ray.wait(list(self._running), num_returns=1)
        key = self._running.pop(reference)
        self._ended[key] = reference
        self._on_end(key)
        self._fill()
