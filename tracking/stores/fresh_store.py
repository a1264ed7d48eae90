"""A SQLite store that a study made for itself, so that it can be taken away again unused."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from memgan.files import Made, is_plain_file
from tracking.address import sqlite_file

_SIDES = ("-journal", "-wal", "-shm")
"""What SQLite appends to a file's name for files of its own."""


def in_the_way(store: Path) -> Path | None:
    """A file that SQLite would take for its own, and remove, when it makes `store`."""
    if store.exists():
        return None
    sides = (store.with_name(f"{store.name}{end}") for end in _SIDES)
    return next((side for side in sides if side.exists() or side.is_symlink()), None)


def lock_file(store: Path) -> Path:
    """What processes hold while they open the store."""
    return store.with_name(f"{store.name}.lock")


class FreshStore:
    """The SQLite file of a tracking address, made by this process if it was not there."""

    def __init__(self, uri: str) -> None:
        """Make it; what cannot be made is left to whoever opens the store, and tells why."""
        self._made = Made()
        self._path = sqlite_file(uri)
        if self._path is None or in_the_way(self._path) is not None:
            return
        with suppress(OSError):
            self._made.folder(self._path.parent)
            self._made.file(self._path)
            self._made.file(lock_file(self._path))

    def take_away(self) -> None:
        """Remove the file if it is still the one that was made and nobody has recorded anything in
        it, SQLite's own files beside it, and the folders that were made for it and are empty."""
        if self._path is not None and self._made.owns(self._path) and not _leave(self._path):
            return
        self._made.take_away()


def _leave(store: Path) -> bool:
    """Remove what SQLite and its readers keep beside an unused store; False where it is used."""
    try:
        with lock_file(store).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with closing(sqlite3.connect(store, timeout=1.0, isolation_level=None)) as sql:
                sql.execute("BEGIN EXCLUSIVE")
                used = _is_used(sql)
                sql.execute("ROLLBACK")
    except (OSError, sqlite3.Error):
        return False
    if used:
        return False
    for end in _SIDES:
        side = store.with_name(f"{store.name}{end}")
        if is_plain_file(side):
            with suppress(OSError):
                side.unlink()
    return True


def _is_used(sql: sqlite3.Connection) -> bool:
    tables = {name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    for table in ("runs", "registered_models"):
        if table in tables and sql.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            return True
    named = "SELECT 1 FROM experiments WHERE name != 'Default' LIMIT 1"
    return "experiments" in tables and sql.execute(named).fetchone() is not None
