"""The file that a journal lives in: one line an operation, written by one driver at a time."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock


class _OneWriter(JournalFileBackend):
    """Optuna's journal file without its lock, as the study's own lock lets one driver write.

    Only what a trial came to is forced to the disk: a line outlives the process that wrote it
    anyhow, and what a power failure takes from a trial in training is trained again.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), JournalFileOpenLock(str(path)))
        self._path = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            if any("state" in log for log in logs):
                os.fsync(file.fileno())


def open_to_write(path: Path) -> JournalStorage:
    """The journal at `path`, made if it is not there. The caller holds the study's lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
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
    """The journal at `path`, also beside a running driver; nothing is written."""
    return JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
