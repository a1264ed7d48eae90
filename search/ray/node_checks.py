"""Before any trial: what would make trials fail on some node, or the study on this machine.

Imports of Ray happen inside, as everywhere on the driver's side.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from memgan.errors import MemganError, PreflightFailed
from memgan.machine import versions
from search.ray.allotment import Allotment
from search.results import Storage, StudyFolder, why_no_room
from tracking.address import one_line

_SECONDS_TO_ANSWER = 60.0
_MUST_AGREE = ("python", "memgan", "ray", "torch")


def preflight(
    folder: StudyFolder,
    allotment: Allotment,
    tracking: Callable[[], None],
    *,
    ask_nodes: bool,
    needed: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """PreflightFailed, with a line for each fault found; else nothing is left behind.

    tracking: raises a MemganError where the tracking store does not answer. ask_nodes: of a Ray
    for only this process there is nobody else to ask. needed: packages of plug-ins, with their
    versions here. Ray must be connected.
    """
    faults = []
    try:
        tracking()
    except MemganError as error:
        faults.append(f"tracking: {error}")
    for place in {folder.path, Path(tempfile.gettempdir())}:
        if reason := why_no_room(place):
            faults.append(f"space: {reason}")
    if ask_nodes:
        faults += node_faults(folder.checkpoints, allotment, needed)
    if faults:
        raise PreflightFailed(faults)


def node_faults(
    storage: Storage,
    allotment: Allotment | None = None,
    needed: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """One line for each thing that is wrong with a node of the cluster.

    Asked of every node: Python and package versions like this process's, those `needed`
    included; that it reads from `storage` what this process wrote, and that this process reads
    what it wrote; room on its disks; where trials use GPUs, that torch sees the node's.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    alive = [node for node in ray.nodes() if node["Alive"]]
    faults = _too_small(alive, allotment) if allotment else []
    probe = storage / f".preflight-{secrets.token_hex(4)}"
    word = secrets.token_hex(8)
    try:
        probe.write("driver", word.encode())
    except OSError as error:
        return [*faults, f"storage: {storage.path} cannot be written ({one_line(error)})"]
    cuda = allotment is not None and allotment.gpus_per_trial > 0
    try:
        asked = {}
        for node in alive:
            node_id, gpus = node["NodeID"], node["Resources"].get("GPU", 0.0)
            task = ray.remote(_look_around).options(
                num_cpus=0,
                # A task without any is not shown the node's GPUs.
                num_gpus=min(0.01, gpus) if cuda else 0,
                max_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False),
            )
            asked[task.remote(probe, node_id, cuda and gpus > 0, tuple(needed))] = node
        ray.wait(list(asked), num_returns=len(asked), timeout=_SECONDS_TO_ANSWER)
        for reference, node in asked.items():
            name = f"node {node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            told = _told(reference, probe, node["NodeID"], word, needed)
            faults += [f"{name}: {line}" for line in told]
    finally:
        _remove(probe, ["driver", *(node["NodeID"] for node in alive)])
    return faults


def _told(
    reference: Any, probe: Storage, node_id: str, word: str, needed: Mapping[str, str]
) -> list[str]:
    import ray

    try:
        found = ray.get(reference, timeout=0)
    except ray.exceptions.GetTimeoutError:
        return [f"did not answer in {_SECONDS_TO_ANSWER:.0f} s; is it busy with another job?"]
    except Exception as error:
        cause = getattr(error, "cause", None) or error
        return [f"could not be asked ({one_line(cause)}); is memgan installed there?"]
    faults: list[str] = found["faults"]
    if not faults and _read(probe, node_id) != word:
        faults.append(f"what it writes to {_above(probe)} is not seen here; mount it there")
    return [*_other_versions(found["versions"], needed), *faults]


def _look_around(probe: Storage, name: str, cuda: bool, packages: Sequence[str]) -> dict[str, Any]:
    """What a node knows of itself; runs there."""
    faults = []
    word = _read(probe, "driver")
    if word is None:
        faults.append(f"does not see what is written here to {_above(probe)}; mount it there")
    else:
        try:
            probe.write(name, word.encode())
        except OSError as error:
            faults.append(f"cannot write to {_above(probe)} ({one_line(error)})")
    if reason := why_no_room(Path(tempfile.gettempdir())):
        faults.append(reason)
    if cuda:
        import torch

        if not torch.cuda.is_available():
            faults.append(
                "Ray reports a GPU and torch finds none; mend its driver, or use --device cpu"
            )
    return {"versions": versions(packages), "faults": faults}


def _other_versions(theirs: Mapping[str, str], needed: Mapping[str, str]) -> list[str]:
    ours = {**versions(), **needed}
    return [
        f"has {name} {theirs.get(name, 'not')}, and this machine {ours.get(name, 'not')};"
        " install the same"
        for name in (*_MUST_AGREE, *needed)
        if theirs.get(name) != ours.get(name)
    ]


def _too_small(nodes: list[dict[str, Any]], allotment: Allotment) -> list[str]:
    wants = {"CPU": allotment.cpus_per_trial, "GPU": allotment.gpus_per_trial}
    if any(all(n["Resources"].get(k, 0.0) >= v for k, v in wants.items()) for n in nodes):
        return []
    text = " and ".join(f"{amount:g} {kind}" for kind, amount in wants.items() if amount)
    return [f"no node has the {text} that a trial wants; ask for fewer, or add such a node"]


def _above(probe: Storage) -> str:
    return probe.path.rpartition("/")[0]


def _read(storage: Storage, name: str) -> str | None:
    try:
        return storage.read(name).decode()
    except OSError:
        return None


def _remove(probe: Storage, names: list[str]) -> None:
    # A folder of a few bytes; the faults that are told matter more.
    with contextlib.suppress(OSError):
        probe.remove_made(names)
