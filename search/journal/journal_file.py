"""The file that a journal lives in: one line an operation, written by one driver at a time."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from search.journal.damage import JournalDamaged, damaged_lines, describe
from tracking.address import resume_command

_SECONDS_BETWEEN = 1.0


class _OneWriter(JournalFileBackend):
    """Optuna's journal file without its lock, as the study's own lock lets one driver write; so
    what it wrote itself it need not read again, as long as the file has nothing else.

    Only what a trial came to is forced to the disk, once a second at most: a line outlives the
    process that wrote it anyhow, and what a power failure takes from a trial is trained again.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), JournalFileOpenLock(str(path)))
        self._path = path
        self._forced = -math.inf
        self._read = self._size = -1
        """Operations that were read, and the bytes of all that are known."""
        self._written: list[dict[str, Any]] = []
        """Known operations that were not read yet."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = [json.dumps(log, separators=(",", ":")) + "\n" for log in logs]
        with self._path.open("ab") as file:
            known = file.tell() == self._size
            file.write("".join(lines).encode())
            file.flush()
            if known:
                self._size = file.tell()
                self._written += map(json.loads, lines)
            now = time.monotonic()
            if any("state" in log for log in logs) and now - self._forced > _SECONDS_BETWEEN:
                os.fsync(file.fileno())
                self._forced = now

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        found, size = self._written, self._path.stat().st_size
        if (log_number_from, size) != (self._read, self._size):
            found, self._size = list(super().read_logs(log_number_from)), size
        self._read = log_number_from + len(found)
        self._written = []
        yield from found


def open_to_write(path: Path) -> JournalStorage:
    """The journal at `path`, made if it is not there. The caller holds the study's lock.

    JournalDamaged where a line of it cannot be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _must_be_whole(path)
    if path.exists():
        # A process killed in the middle of a write leaves half a line behind.
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            logging.getLogger(__name__).warning("%s: dropped half a line at the end", path)
            with path.open("r+b") as journal:
                journal.truncate(whole)
    return JournalStorage(_OneWriter(path))


def open_to_read(path: Path) -> JournalStorage:
    """The journal at `path`, also beside a running driver; nothing is written.

    JournalDamaged where a line of it cannot be read.
    """
    _must_be_whole(path)
    return JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))


def _must_be_whole(path: Path) -> None:
    # Optuna raises whatever a damaged line makes of its parsers, and passes over the last one.
    if lines := damaged_lines(path):
        command = resume_command(path.parent.name, path.parents[2], "--mend-journal")
        raise JournalDamaged(
            f"{describe(path, lines)}; {command} goes on with all that can be read, and keeps a"
            " copy of the file as it is"
        )
