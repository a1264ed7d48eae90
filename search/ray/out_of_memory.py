"""Memory of trials: what running out of it looks like, and how to give a trial more of it.

A machine is shared out by cores and GPU fractions. A trial that ran out of memory is tried once
more with twice its share, which leaves it fewer neighbours.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from memgan.machine import hold_to_gpu_share
from search.ray.allotment import Allotment

if TYPE_CHECKING:
    from ray.tune import PlacementGroupFactory

_WORDS = ("can't allocate memory", "not enough memory", "running low on memory", "out of memory")
"""torch's on the CPU; Ray's, of a worker that it ended before the system did."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, a GPU's or the machine's, did not suffice."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (
        torch is not None and isinstance(error, torch.OutOfMemoryError)
    ):
        return True
    return says_out_of_memory(str(error))


def says_out_of_memory(text: str) -> bool:
    """As `is_out_of_memory`, of only an error's message."""
    return any(words in text for words in _WORDS)


def share_of(allotment: Allotment, room: int, largest: dict[str, float]) -> dict[str, float]:
    """Ray's resources for a trial with `room` times its share, as far as the `largest` node has
    them (CPU, GPU)."""
    cpus, gpus = allotment.cpus_per_trial, allotment.gpus_per_trial
    if gpus:
        # A fraction must stay on one GPU; beyond that only whole ones.
        gpus = min(gpus * room, 1.0) if gpus < 1 else gpus
    else:
        cpus = max(cpus, min(cpus * room, largest.get("CPU", cpus)))
    return {"CPU": cpus, "GPU": gpus}


def resources_for(allotment: Allotment, room: int) -> PlacementGroupFactory:
    """`share_of` on the connected cluster."""
    from ray.tune import PlacementGroupFactory

    # Asked of every trial, and all but the few that ran out of memory get just their share.
    bundle = share_of(allotment, room, largest_node() if room > 1 else {})
    return PlacementGroupFactory([{kind: amount for kind, amount in bundle.items() if amount}])


def largest_node() -> dict[str, float]:
    """Cores of the connected cluster's largest node, as {"CPU": n}."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return {"CPU": max((node.get("CPU", 0.0) for node in nodes), default=0.0)}


def hold_to_share_of_worker() -> None:
    """Hold this process, one of Ray's, to its fraction of its GPU's memory."""
    import ray

    hold_to_gpu_share(ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0))


def judge_share(used_mb: float, device_mb: float, share: float) -> str | None:
    """A line where a trial's use of a GPU does not fit its fraction of it; None where it does."""
    if not 0 < share < 1 or device_mb <= 0:
        return None
    part = used_mb / device_mb
    if part > share:
        wanted = min(1.0, -(-part * 100 // 5) * 0.05)
        return (
            f"a trial used {part:.0%} of a GPU's memory, and its share is {share:.0%}: with others"
            f" beside it it may run out; give --gpus-per-trial {wanted:.2g}"
        )
    return None
