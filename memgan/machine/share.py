"""The part of a machine that this process may use: cores and memory, and how many trainings fit.

A batch system, a container or `taskset` gives a process less than the machine has. What is
counted here is what it was given.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from memgan.machine.cgroups import group_limits

MEMORY_PER_TRAINING = 1 << 30
"""Bytes that a training's process needs, torch included, with room to spare."""
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class MachineShare:
    """Cores and bytes; None where the system does not tell."""

    cpus: int
    """Whole cores, at least one."""
    memory: int | None
    """Bytes that the process and its like may hold together."""
    free_memory: int | None
    """Bytes of it that are not in use now."""
    of_cpus: int
    """Cores that the machine has."""
    limited_memory: bool
    """Whether something gives the process less memory than the machine has."""

    def describe(self) -> str:
        """In one line, such as "2 of 64 cores, 7.5 of 16.0 GiB free"."""
        cores = f"{self.cpus} of {self.of_cpus}" if self.cpus < self.of_cpus else str(self.cpus)
        line = f"{cores} core{'s' * (max(self.cpus, self.of_cpus) > 1)}"
        if self.memory is None or self.free_memory is None:
            return line
        limit = " (limited)" if self.limited_memory else ""
        return f"{line}, {_gib(self.free_memory)} of {_gib(self.memory)} GiB free{limit}"


def machine_share() -> MachineShare:
    """What this process may use now, by its affinity, its control groups and the machine."""
    limits = group_limits()
    cores = usable_cores()
    total, free = _system_memory()
    memory = min((x for x in (total, limits.memory) if x is not None), default=None)
    return MachineShare(
        cpus=cores,
        memory=memory,
        free_memory=min((x for x in (free, limits.free_memory) if x is not None), default=None),
        of_cpus=os.cpu_count() or cores,
        limited_memory=memory is not None and total is not None and memory < total,
    )


def usable_cores() -> int:
    """Whole cores that this process may use, at least one; a fraction of a core is left over."""
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = group_limits().cpus
    return max(1, allowed if quota is None else min(allowed, int(quota + 1e-9)))


def trainings_at_once(
    share: MachineShare, *, threads: int, on_gpu: bool, most: int | None = None
) -> int:
    """How many trainings of so many `threads` run at once, at least one.

    most: what the user allows. It may exceed the cores, or one on a GPU, and never the memory.
    """
    fits = most or (1 if on_gpu else share.cpus // threads)
    if share.free_memory is not None:
        fits = min(fits, share.free_memory // MEMORY_PER_TRAINING)
    return max(1, fits)


def _system_memory() -> tuple[int | None, int | None]:
    """Bytes of the whole machine, and those that are free or could be freed."""
    try:
        text = _MEMINFO.read_text(encoding="ascii")
    except OSError:
        return None, None
    found = {}
    for line in text.splitlines():
        name, _, amount = line.partition(":")
        words = amount.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) << 10
    return found.get("MemTotal"), found.get("MemAvailable", found.get("MemFree"))


def _gib(amount: int) -> str:
    return f"{amount / 2**30:.1f}"
