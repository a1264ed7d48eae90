"""Limits of control groups, read from trees like those that Linux shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from memgan.machine.cgroups import GroupLimits, group_limits

GIB = 1 << 30
NO_LIMIT = str((1 << 63) - 4096)


class Tree:
    """A process's view of its groups, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.proc.mkdir()
        self.mounted = folder / "sys fs"
        self._mounts: list[str] = ["22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw"]

    def mount(self, kind: str, name: str, options: str, root: str = "/") -> Path:
        point = self.mounted / name
        point.mkdir(parents=True)
        escaped = str(point).replace(" ", "\\040")
        self._mounts.append(f"31 22 0:28 {root} {escaped} rw,nosuid - {kind} {kind} {options}")
        (self.proc / "mountinfo").write_text("\n".join(self._mounts) + "\n")
        return point

    def place(self, *lines: str) -> None:
        (self.proc / "cgroup").write_text("\n".join(lines) + "\n")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def _write(folder: Path, **files: str | int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_version_2_limits_are_those_of_the_own_group_and_all_above(tree: Tree) -> None:
    top = tree.mount("cgroup2", "cgroup", "rw,nsdelegate")
    tree.place("0::/system.slice/job_7/step_0")
    _write(top / "system.slice" / "job_7" / "step_0", cpu__max="max 100000", memory__max="max")
    _write(
        top / "system.slice" / "job_7",
        cpu__max="350000 100000",
        memory__max=8 * GIB,
        memory__current=3 * GIB,
        memory__stat=f"anon 1\ninactive_file {GIB}",
    )
    _write(top / "system.slice", cpu__max="max 100000", memory__max=64 * GIB, memory__current=GIB)
    _write(top / "another", cpu__max="1000 100000", memory__max=GIB)

    assert group_limits(tree.proc) == GroupLimits(3.5, 8 * GIB, 6 * GIB)


def test_a_group_above_that_is_nearly_full_leaves_little(tree: Tree) -> None:
    top = tree.mount("cgroup2", "cgroup", "rw")
    tree.place("0::/a/b")
    _write(top / "a" / "b", memory__max=4 * GIB, memory__current=GIB)
    _write(top / "a", memory__max=16 * GIB, memory__high=12 * GIB, memory__current=11 * GIB)

    assert group_limits(tree.proc) == GroupLimits(None, 4 * GIB, GIB)


def test_version_1_limits_lie_in_a_tree_for_each_controller(tree: Tree) -> None:
    cpu = tree.mount("cgroup", "cpu,cpuacct", "rw,cpu,cpuacct")
    memory = tree.mount("cgroup", "memory", "rw,memory")
    tree.place("4:memory:/slurm/job_9", "3:cpu,cpuacct:/slurm/job_9/step_1", "1:name=systemd:/x")
    _write(cpu / "slurm" / "job_9" / "step_1", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)
    _write(cpu / "slurm" / "job_9", cpu__cfs_quota_us=200000, cpu__cfs_period_us=100000)
    _write(
        memory / "slurm" / "job_9",
        memory__limit_in_bytes=2 * GIB,
        memory__usage_in_bytes=GIB,
        memory__stat=f"inactive_file 1\ntotal_inactive_file {GIB // 2}",
    )
    _write(memory, memory__limit_in_bytes=NO_LIMIT, memory__usage_in_bytes=9 * GIB)

    assert group_limits(tree.proc) == GroupLimits(2.0, 2 * GIB, GIB + GIB // 2)


def test_a_container_sees_its_own_group_as_the_top(tree: Tree) -> None:
    top = tree.mount("cgroup", "memory", "rw,memory", root="/docker/abc")
    inner = tree.mount("cgroup2", "unified", "rw", root="/../../docker/abc")
    tree.place("4:memory:/docker/abc", "0::/../../docker/abc/sub")
    _write(top, memory__limit_in_bytes=GIB, memory__usage_in_bytes=0)
    _write(inner, cpu__max="50000 100000")

    assert group_limits(tree.proc) == GroupLimits(0.5, GIB, GIB)


def test_without_groups_there_are_no_limits(tree: Tree) -> None:
    assert group_limits(tree.proc) == GroupLimits()
    tree.mount("cgroup2", "cgroup", "rw")
    tree.place("0::/")
    assert group_limits(tree.proc) == GroupLimits()
