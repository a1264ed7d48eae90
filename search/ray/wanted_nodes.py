"""Waiting for the nodes that a study wants, where a cluster has machines that come and go.

A cluster that grows on demand starts a node only for what somebody asks. So while this waits, it
asks for what is lacking by a placement group, which goes with the wait: unlike
`request_resources`, it neither replaces what others ask for nor outlives this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace

from memgan.errors import BadInput, MemganError
from memgan.text import clock
from memgan.waiting import waiting_for

_LOOK_EVERY = 1.0
_IN_UNITS = ("CPU", "GPU")
"""These may be spread over nodes, one by one."""
_MOST_UNITS = 1000
_ALWAYS_SHOWN = ("CPU", "GPU")


class NodesMissing(MemganError):
    """The nodes that a study waits for did not come in time. Start them, and run again."""


@dataclass(frozen=True)
class WantedNodes:
    """What a cluster must have before a study begins there."""

    resources: Mapping[str, float]
    """Amounts by Ray's names, such as GPU; all above 0."""
    at_most: float | None = None
    """Seconds to wait; None waits until they come."""
    told: Callable[[str], None] = lambda line: None
    """Told, in a line, where there is something to wait for."""

    def telling(self, somebody: Callable[[str], None]) -> WantedNodes:
        """The same, with the line told to somebody else first."""

        def tell(line: str) -> None:
            somebody(line)
            self.told(line)

        return replace(self, told=tell)

    @property
    def text(self) -> str:
        """The amounts as a command line has them."""
        return ",".join(f"{name}={_exact(amount)}" for name, amount in self.resources.items())

    @property
    def options(self) -> tuple[str, ...]:
        """What a command is given to wait in the same way."""
        bound = () if self.at_most is None else ("--wait-at-most", f"{_exact(self.at_most)}s")
        return ("--wait-for", self.text, *bound)


def _exact(amount: float) -> str:
    """An amount as it is read again; memory is in bytes, of which every figure counts."""
    return str(int(amount)) if float(amount).is_integer() else repr(float(amount))


def read_wanted(text: str) -> dict[str, float]:
    """Amounts by name, of "GPU=1" or "GPU=2,CPU=16". BadInput for anything else."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, amount = (word.strip() for word in part.rpartition("="))
        if name in found:
            raise BadInput(f"--wait-for {text!r}: {name} is there twice; write it once")
        try:
            found[name] = float(amount)
        except ValueError:
            found[name] = 0.0
        if not name or not 0 < found[name] < float("inf"):
            raise BadInput(
                f"--wait-for {text!r}: write what a cluster must have by Ray's names, such as GPU=1"
                " or GPU=2,CPU=16, with amounts above 0"
            )
        if name in _IN_UNITS and found[name] > _MOST_UNITS:
            raise BadInput(f"--wait-for {text!r}: more than {_MOST_UNITS} {name}")
    return found


def lacking(wanted: Mapping[str, float], available: Mapping[str, float]) -> dict[str, float]:
    """How much of what is wanted is not there, by name; empty where all of it is."""
    missing = {name: amount - available.get(name, 0.0) for name, amount in wanted.items()}
    return {name: amount for name, amount in missing.items() if amount > 1e-6}


def bundles_of(wanted: Mapping[str, float]) -> list[dict[str, float]]:
    """What is asked of the cluster, each bundle on one node: cores and GPUs one by one, as several
    nodes may have them, and anything else as a whole."""
    bundles = []
    for name, amount in wanted.items():
        if name not in _IN_UNITS:
            bundles.append({name: amount})
            continue
        bundles += [{name: 1.0}] * int(amount)
        if rest := amount - int(amount):
            bundles.append({name: rest})
    return bundles


@contextmanager
def _asked_for(wanted: Mapping[str, float]) -> Iterator[None]:
    from ray.util import placement_group, remove_placement_group

    group = placement_group(bundles_of(wanted))
    try:
        yield
    finally:
        with suppress(Exception):  # Where Ray is gone, so is the group.
            remove_placement_group(group)


def _cluster() -> Mapping[str, float]:
    import ray

    return dict(ray.cluster_resources())


def wait_for_nodes(
    wanted: WantedNodes | None,
    available: Mapping[str, float],
    *,
    grows: bool,
    look: Callable[[], Mapping[str, float]] = _cluster,
    asked_for: Callable[[Mapping[str, float]], AbstractContextManager[None]] = _asked_for,
    pause: Callable[[float], None] = time.sleep,
) -> Mapping[str, float]:
    """The cluster's resources, once they have what is wanted; `available` where they do already.

    grows: whether nodes can join, which none does a Ray of this process's own: BadInput then.
    look, asked_for, pause: what the cluster has now, a context that asks it for more, and a rest of
    some seconds. NodesMissing where `at_most` is over. A wish to stop ends the wait.
    """
    if wanted is None or not lacking(wanted.resources, available):
        return available
    asked = wanted.text
    if not grows:
        raise BadInput(
            f"--wait-for {asked}: this machine has {_shown(wanted, available)}, and no node joins a"
            " Ray that the search starts; give --address of a cluster, or leave --wait-for out"
        )
    bound = "" if wanted.at_most is None else f", for {clock(wanted.at_most)} at most"
    wanted.told(f"waiting for nodes with {asked}{bound}; Ray has {_shown(wanted, available)} …")
    began = time.monotonic()
    with (
        waiting_for(lambda: f"waiting for {asked}; Ray has {_shown(wanted, available)}"),
        asked_for(wanted.resources),
    ):
        while lacking(wanted.resources, available):
            waited = time.monotonic() - began
            if wanted.at_most is not None and waited >= wanted.at_most:
                raise NodesMissing(
                    f"--wait-for {asked}: after {clock(waited)} Ray has"
                    f" {_shown(wanted, available)}; start nodes (`ray status` says what the cluster"
                    " is waiting for) and run again"
                )
            pause(_LOOK_EVERY)
            available = look()
    return available


def _shown(wanted: WantedNodes, available: Mapping[str, float]) -> str:
    names = dict.fromkeys((*_ALWAYS_SHOWN, *wanted.resources))
    return ", ".join(f"{_exact(available.get(name, 0))} {name}" for name in names)
