"""A local record that was moved, or copied, with its artifacts: MLflow keeps where they lay.

Of every experiment, run and model MLflow's SQLite file has a whole path, to which it goes on to
write; a new folder would be made at the old place, or a copy write into the original's files.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from tracking.address import one_line, sqlite_file
from tracking.stores.tracker import Unavailable

_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's that hold whole paths."""


def follow_move(uri: str, artifact_root: str | None) -> None:
    """Have a SQLite record look for artifacts beside itself, where those of an experiment lie
    there, or nowhere any more. Unavailable where it cannot be written though it must."""
    path = sqlite_file(uri)
    if path is None or artifact_root is None or not path.is_file():
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30.0)) as sql, sql:
            tables = {name for (name,) in sql.execute("SELECT name FROM sqlite_master")}
            if "experiments" not in tables:
                return
            found = sql.execute("SELECT artifact_location FROM experiments").fetchall()
            for (old,) in found:
                new = _moved(old, artifact_root)
                if new is not None:
                    for table, column in _PLACES:
                        if table in tables:
                            _replace(sql, table, column, old, new)
    except sqlite3.Error as error:
        if os.access(path, os.W_OK):
            raise Unavailable(one_line(error)) from error
        # It is only read, and needs no artifacts for that.


def _moved(old: str | None, artifact_root: str) -> str | None:
    """Where an experiment's artifacts lie now, or None where they are as the record says."""
    root, _, name = (old or "").rpartition("/")
    if not root.startswith("file:") or not root.endswith("/mlartifacts") or root == artifact_root:
        return None
    new = f"{artifact_root}/{name}"
    return new if _folder(new).exists() or not _folder(f"{root}/{name}").exists() else None


def _replace(sql: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    sql.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?)"  # names of ours
        f" WHERE {column} = ? OR substr({column}, 1, ?) = ?",
        (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
    )


def _folder(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))
