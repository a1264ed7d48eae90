"""MLflow's SQLite file read with Python's own sqlite3, and artifacts from the disk beside it."""

from __future__ import annotations

import math
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from tracking.stores.quick_reader import NotQuick
from tracking.stores.tracker import RunView

_WORKSPACES = ("MLFLOW_WORKSPACE", "MLFLOW_ENABLE_WORKSPACES")
"""With these set, MLflow shows one part of its experiments."""
_OF_RUNS = "run_uuid, name, status, start_time, end_time"


class SqliteReader:
    """A `RecordReader` of MLflow's tables; `NotQuick` where they are not as it knows them.

    path: the file. It is opened anew for every question, and never written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find_experiment(self, name: str) -> str | None:
        with self._open() as sql:
            found = sql.execute(
                "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage='active'",
                (name,),
            ).fetchone()
        return str(found[0]) if found else None

    def experiments(self) -> list[str]:
        with self._open() as sql:
            found = sql.execute("SELECT name FROM experiments WHERE lifecycle_stage='active'")
            return sorted(str(name) for (name,) in found)

    def runs(self, experiment_id: str, tags: Mapping[str, str]) -> list[RunView]:
        has_tag = " AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = ? AND value = ?)"
        with self._open() as sql:
            rows = sql.execute(
                f"SELECT {_OF_RUNS} FROM runs WHERE experiment_id = ?"
                f" AND lifecycle_stage='active'{has_tag * len(tags)} ORDER BY start_time, run_uuid",
                [int(experiment_id), *(part for pair in tags.items() for part in pair)],
            ).fetchall()
            ids = [row[0] for row in rows]
            of_params = _values(sql, "SELECT run_uuid, key, value FROM params", ids)
            of_tags = _values(sql, "SELECT run_uuid, key, value FROM tags", ids)
            of_metrics = _metrics(sql, ids)
        return [
            RunView(
                run_id, name, status, start, end or None,
                params=of_params[run_id],
                tags=of_tags[run_id],
                metrics=of_metrics[run_id],
            )
            for run_id, name, status, start, end in rows
        ]  # fmt: skip

    def read_artifact(self, run_id: str, path: str) -> bytes | None:
        with self._open() as sql:
            found = sql.execute(
                "SELECT artifact_uri FROM runs WHERE run_uuid = ?", (run_id,)
            ).fetchone()
        file = _folder(found[0] if found else None) / path
        try:
            return file.read_bytes() if file.is_file() else None
        except OSError as error:
            raise NotQuick from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if any(os.environ.get(key) for key in _WORKSPACES):
            raise NotQuick
        address = f"file:{quote(str(self._path))}?mode=ro"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=30.0)) as sql:
                sql.execute("BEGIN")  # What one question reads is of one moment.
                yield sql
        except sqlite3.Error as error:
            raise NotQuick from error


def _folder(artifact_uri: str | None) -> Path:
    address = urlsplit(artifact_uri or "")
    if not address.path.startswith("/") or address.scheme not in ("", "file") or address.netloc:
        raise NotQuick
    return Path(url2pathname(address.path) if address.scheme else address.path)


def _values(sql: sqlite3.Connection, select: str, ids: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for run_id in ids:
        for _, key, value in sql.execute(f"{select} WHERE run_uuid = ?", (run_id,)):
            found[run_id][key] = value
    return found


def _metrics(sql: sqlite3.Connection, ids: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    select = "SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?"
    for run_id in ids:
        for key, value, is_nan in sql.execute(select, (run_id,)):
            found[run_id][key] = math.nan if is_nan else float(value)
    return found
