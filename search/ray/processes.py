"""The end of a Ray that this process started: all of its processes, at once."""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any


def end_ray() -> None:
    """`ray.shutdown`, which leaves a Ray that was started elsewhere as it is.

    By itself it sends each process a SIGTERM and waits a second before it kills it. Under
    `stopping` none of them is reached by that signal, and those that the raylet started (workers,
    agents) outlive a raylet that was killed by seconds; so all are killed here.
    """
    import ray

    node = ray._private.worker._global_node
    processes = getattr(node, "all_processes", {}) if node is not None else {}
    below = [one for info in processes.get("raylet", ()) for one in _below(info.process.pid)]
    if processes:
        end_all = node.kill_all_processes

        def at_once(**options: Any) -> None:
            end_all(**{**options, "allow_graceful": False})

        node.kill_all_processes = at_once
    ray.shutdown()
    for process in below:
        with suppress(Exception):  # It has ended, as a rule.
            process.kill()


def _below(pid: int) -> list[Any]:
    psutil = importlib.import_module("psutil")  # Ray brings it along.
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []
