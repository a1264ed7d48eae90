"""Which files of a study travel to its address and back, and what is read of them."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from search.results.export_place import is_of_study

SESSION = "session.json"
OUTBOX = "outbox.db"
LOOKED_AT = (
    "study.yaml",
    "id",
    "seconds",
    "trials.journal",
    "beginning.json",
    "conclusion.json",
)
SIDES = (f"{OUTBOX}-wal", f"{OUTBOX}-shm")
STAYS = (SESSION, "lock", *SIDES)


def travels(name: str) -> bool:
    """Whether a path below the study's folder is of a file that is copied to and fro."""
    return is_of_study(name) and name not in STAYS and not name.startswith(("tune/", "."))


def unfinished(name: Path) -> bool:
    """Whether a file is still being written, or holds a place only."""
    return name.suffix in (".part", ".lock") or any(part.startswith(".") for part in name.parts)


def read_if_file(path: Path) -> bytes | None:
    """A file's content, or None where there is no file."""
    return path.read_bytes() if path.is_file() else None


def snapshot(database: Path) -> bytes:
    """A SQLite file as it stands, also beside processes that write to it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        with (
            contextlib.closing(sqlite3.connect(database, timeout=1.0)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        return copy.read_bytes()
