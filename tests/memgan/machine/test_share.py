"""What a process may use of its machine, and how many trainings fit into that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import memgan.machine.share
from memgan.machine.cgroups import GroupLimits
from memgan.machine.share import MachineShare, machine_share, trainings_at_once, usable_cores

GIB = 1 << 30
SHARE = MachineShare(
    cpus=64, memory=16 * GIB, free_memory=12 * GIB, of_cpus=64, limited_memory=False
)


def _with_limits(monkeypatch: pytest.MonkeyPatch, **limits: float) -> None:
    found = GroupLimits(**limits)  # type: ignore[arg-type]
    monkeypatch.setattr(memgan.machine.share, "group_limits", lambda: found)


def test_cores_are_those_that_affinity_allows() -> None:
    if shutil.which("taskset") is None:
        pytest.skip("there is no taskset here")
    one = str(min(os.sched_getaffinity(0)))
    code = "from memgan.machine.share import usable_cores; print(usable_cores())"
    ended = subprocess.run(
        ["taskset", "-c", one, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "1"


@pytest.mark.parametrize(("quota", "cores"), [(None, 8), (3.9, 3), (0.5, 1), (2.0, 2), (16.0, 8)])
def test_cores_are_no_more_than_the_groups_quota(
    quota: float | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    _with_limits(monkeypatch, **({} if quota is None else {"cpus": quota}))
    assert usable_cores() == cores


def test_memory_is_no_more_than_the_groups_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_limits(monkeypatch, memory=3 << 20, free_memory=1 << 20)
    share = machine_share()
    assert (share.memory, share.free_memory, share.limited_memory) == (3 << 20, 1 << 20, True)
    assert share.describe().endswith("0.0 of 0.0 GiB free (limited)")


def test_a_share_is_told_in_a_line() -> None:
    assert SHARE.describe() == "64 cores, 12.0 of 16.0 GiB free"
    assert replace(SHARE, cpus=8).describe() == "8 of 64 cores, 12.0 of 16.0 GiB free"
    unknown = MachineShare(1, None, None, 1, limited_memory=False)
    assert unknown.describe() == "1 core"


@pytest.mark.parametrize(
    ("threads", "on_gpu", "most", "at_once"),
    [
        (1, False, None, 12),
        (8, False, None, 8),
        (128, False, None, 1),
        (1, False, 3, 3),
        (1, False, 100, 12),
        (1, True, None, 1),
        (1, True, 4, 4),
        (1, True, 100, 12),
    ],
)
def test_trainings_at_once_follow_from_cores_memory_and_what_is_allowed(
    threads: int, on_gpu: bool, most: int | None, at_once: int
) -> None:
    assert trainings_at_once(SHARE, threads=threads, on_gpu=on_gpu, most=most) == at_once


def test_at_least_one_training_runs_however_little_is_free() -> None:
    nothing = replace(SHARE, free_memory=0)
    assert trainings_at_once(nothing, threads=1, on_gpu=False) == 1
    unknown = replace(SHARE, memory=None, free_memory=None)
    assert trainings_at_once(unknown, threads=1, on_gpu=False) == 64
