"""What a command costs in all its processes, those included that outlive or leave their parents.

Ray's workers and the writer of a record are no children that their starter waits for, so the usual
count of children's time misses them. Here every process is known by a variable that it inherits,
and its time is read from /proc twice a second. What a process does after it was last read is lost.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

_MARK = "MEMGAN_BENCHMARK_OF"
_EVERY = 0.5
_TO_END = 8


class Cost:
    """Runs a command; `wall_seconds` and `cpu_seconds` (None without /proc) are what it took."""

    def __init__(self, command: list[str], *, environment: dict[str, str], **more: Any) -> None:
        self._mark = f"{_MARK}={uuid4().hex}".encode()
        self._seconds: dict[tuple[str, str], float] = {}
        self._strangers: set[tuple[str, str]] = set()
        self._over = threading.Event()
        name, _, value = self._mark.decode().partition("=")
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        started = time.perf_counter()
        try:
            self.ended = _run(command, env={**environment, name: value}, **more)
        finally:
            self.wall_seconds = time.perf_counter() - started
            self._over.set()
            watch.join()
            self._read_all()
        self.cpu_seconds = sum(self._seconds.values()) if self._seconds else None

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            self._read_all()

    def _read_all(self) -> None:
        for folder in Path("/proc").glob("[0-9]*"):
            self._read(folder)

    def _read(self, folder: Path) -> None:
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            key = (folder.name, fields[19])  # When it started, as ids are used again.
            if key in self._strangers:
                return
            # Exec changes what a process is: one that is not ours yet is asked again while young.
            if key not in self._seconds and self._mark not in (folder / "environ").read_bytes():
                if _age(fields[19]) > 2:
                    self._strangers.add(key)
                return
        except OSError:
            return  # It has ended, or is somebody else's.
        self._seconds[key] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    """As subprocess.run, but when this process is told to end, the command gets time to end too:
    it was told as well, and would else be in the way of what comes next."""
    with _told_to_end(), subprocess.Popen(command, text=True, **more) as process:
        try:
            out, _ = process.communicate()
        except BaseException:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_TO_END)
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out)


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM ends this process as Ctrl-C does, by an exception."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _age(started: str) -> float:
    """Seconds since a process began, of its start in ticks since the machine's."""
    up = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return up - int(started) / os.sysconf("SC_CLK_TCK")
