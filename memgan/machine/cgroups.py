"""What the control groups of a process allow it: cores and bytes, on Linux, of either version.

A group holds its own limit and those of all groups above it, so each is read on the way up, as
far as the mounts of this process reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROC = Path("/proc/self")


@dataclass(frozen=True)
class GroupLimits:
    """The tightest limits that hold; None where there is none."""

    cpus: float | None = None
    """Cores' worth of time, a fraction too."""
    memory: int | None = None
    """Bytes that all processes of a group may hold together."""
    free_memory: int | None = None
    """Bytes of it that are not in use; files that could be dropped count as free."""


def group_limits(proc: Path = PROC) -> GroupLimits:
    """The limits of the process that `proc` describes; none where the system has no groups."""
    cpus: list[float] = []
    memory: list[int] = []
    free: list[int] = []
    for folder in _folders(proc, "cpu"):
        if (share := _cpus(folder)) is not None:
            cpus.append(share)
    for folder in _folders(proc, "memory"):
        if (limit := _memory(folder)) is not None:
            memory.append(limit)
            free.append(max(0, limit - _in_use(folder)))
    return GroupLimits(min(cpus, default=None), min(memory, default=None), min(free, default=None))


def _folders(proc: Path, controller: str) -> Iterator[Path]:
    """The folders of a process's groups and of those above them, which may limit `controller`."""
    paths = _group_paths(proc)
    for root, mount, controllers in _mounts(proc):
        if controllers and controller not in controllers:
            continue
        path = paths.get(controller if controllers else "")
        if path is None:
            continue
        inside = PurePosixPath(path)
        # Seen from a container, a group may lie outside of what is mounted.
        below = inside.relative_to(root) if inside.is_relative_to(root) else PurePosixPath()
        folder = mount / below if ".." not in below.parts else mount
        yield folder
        for parent in folder.parents:
            if not parent.is_relative_to(mount):
                break
            yield parent


def _group_paths(proc: Path) -> dict[str, str]:
    """The process's group by controller; "" is that of version 2."""
    found = {}
    for line in _lines(proc / "cgroup"):
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _mounts(proc: Path) -> Iterator[tuple[str, Path, frozenset[str]]]:
    """(root, mount point, controllers) of mounted groups; version 2 names no controllers."""
    for line in _lines(proc / "mountinfo"):
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind not in ("cgroup", "cgroup2"):
            continue
        root, mount = (_unescaped(field) for field in before.split(" ")[3:5])
        controllers = options.split(" ")[-1].split(",") if kind == "cgroup" else []
        yield root, Path(mount), frozenset(controllers)


def _cpus(folder: Path) -> float | None:
    words = _text(folder / "cpu.max").split()
    if len(words) == 2:
        quota, period = words
    else:
        quota = _text(folder / "cpu.cfs_quota_us")
        period = _text(folder / "cpu.cfs_period_us")
    if not (quota.isdigit() and period.isdigit() and int(quota) and int(period)):
        return None  # "max" and -1 mean that there is no limit.
    return int(quota) / int(period)


def _memory(folder: Path) -> int | None:
    # Above "high" a group is not ended, and slowed down until nothing moves.
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    found = [int(text) for name in names if (text := _text(folder / name)).isdigit()]
    # Version 1 writes the largest number of whole pages where there is no limit.
    return min((limit for limit in found if limit < 1 << 60), default=None)


def _in_use(folder: Path) -> int:
    used = _text(folder / "memory.current") or _text(folder / "memory.usage_in_bytes")
    facts: Mapping[str, str] = dict(
        line.split(" ", 1) for line in _lines(folder / "memory.stat") if " " in line
    )
    idle = facts.get("total_inactive_file") or facts.get("inactive_file") or "0"
    return int(used) - int(idle) if used.isdigit() and idle.isdigit() else 0


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _unescaped(field: str) -> str:
    # The kernel writes blanks and backslashes of a path in octal.
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field
