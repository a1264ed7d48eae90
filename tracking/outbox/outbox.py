"""The outbox: a study's events on disk until the tracking store has them.

One SQLite file, by the standard library. A driver appends, a writer marks what arrived; either
may be killed at any moment without harm to the other or to what was appended. The file belongs
on a disk of the machine that appends: SQLite's write-ahead log does not work over a network.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from memgan.errors import BadInput
from tracking.address import one_line, sqlite_address, sqlite_file
from tracking.events import Event, ParamsLogged, RunEnded, from_json, to_json

_WAITING, _DELIVERED, _REFUSED = 0, 1, 2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    reason TEXT
);
CREATE INDEX IF NOT EXISTS events_by_state ON events (state, seq);
CREATE INDEX IF NOT EXISTS events_by_run ON events (run_key, kind, seq);
CREATE TABLE IF NOT EXISTS runs (run_key TEXT PRIMARY KEY, run_id TEXT);
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

EXPERIMENT = "experiment"
DELIVERED_AS = "delivered as"
"""The experiment that earlier deliveries went to."""
STUDY = "study"
EXPERIMENT_ID = "experiment_id"
TRACKING_URI = "tracking_uri"
FAULT = "fault"
_FILE = "sqlite:///"


@dataclass(frozen=True)
class Stored:
    """An event with its place in the order of appending."""

    seq: int
    event: Event
    tried: bool = False
    """Whether it has stopped a delivery already."""


@dataclass(frozen=True)
class Refusal:
    """An event that the store will never take, and why."""

    seq: int
    run_key: str
    kind: str
    reason: str


class Outbox:
    """Events, the ids of the runs they made, and a few facts. Opened when first used.

    Every method raises sqlite3.Error where the disk refuses; `Record` catches that.
    """

    def __init__(self, path: Path, *, patience: float = 1.0) -> None:
        """patience: seconds to wait for another process that is just writing."""
        self.path = Path(path)
        self._patience = patience
        self._lock = threading.RLock()
        self._opened: sqlite3.Connection | None = None

    def __reduce__(self) -> tuple[type[Outbox], tuple[Path]]:
        return Outbox, (self.path,)

    def set_patience(self, seconds: float) -> None:
        """From now on wait at most so long for another process that is just writing."""
        with self._lock:
            self._patience = seconds
            if self._opened:
                self._opened.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def check(self) -> None:
        """Open the file, or make it. BadInput in one line if that cannot be done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._is_only_to_read():
                raise OSError("its folder is read-only")
            with self._write() as sql:
                sql.execute("SELECT 1 FROM events LIMIT 1")
        except (OSError, sqlite3.Error) as error:
            raise BadInput(
                f"the outbox {self.path} cannot be written ({error}); make room, mend its "
                "permissions, or choose another --results"
            ) from None

    def append(self, events: Iterable[Event]) -> None:
        """Add events in this order: all of them or, where it raises, none."""
        rows = [(event.run_key, event.kind, to_json(event)) for event in events]
        with self._write() as sql:
            sql.executemany("INSERT INTO events (run_key, kind, body) VALUES (?, ?, ?)", rows)

    def waiting(self, limit: int = -1) -> list[Stored]:
        """The oldest events not yet delivered, in order; all of them for a limit of −1.

        An event that this version cannot read is marked refused, so that it stops no other.
        """
        rows = self._read(
            "SELECT seq, body, reason IS NOT NULL FROM events WHERE state = ? ORDER BY seq LIMIT ?",
            _WAITING,
            limit,
        )
        found = []
        for seq, body, tried in rows:
            try:
                found.append(Stored(seq, from_json(body), bool(tried)))
            except ValidationError as error:
                self.mark_refused([seq], f"cannot be read: {one_line(error)}")
        return found

    def count_waiting(self) -> int:
        """How many events are not yet delivered (refused ones are not waiting)."""
        return self._count(_WAITING)

    def count_delivered(self) -> int:
        """How many events have arrived."""
        return self._count(_DELIVERED)

    def refused(self) -> list[Refusal]:
        """What the store will never take, in order, with its reasons."""
        rows = self._read(
            "SELECT seq, run_key, kind, reason FROM events WHERE state = ? ORDER BY seq", _REFUSED
        )
        return [Refusal(*row) for row in rows]

    def mark_delivered(self, seqs: Iterable[int]) -> None:
        """These events have arrived; those already refused stay refused."""
        rows = [(_DELIVERED, seq, _WAITING) for seq in seqs]
        with self._write() as sql:
            sql.executemany(
                "UPDATE events SET state = ?, reason = NULL WHERE seq = ? AND state = ?", rows
            )

    def mark_refused(self, seqs: Iterable[int], reason: str) -> None:
        """These events, or a part of each, will never be taken."""
        rows = [(_REFUSED, reason, seq) for seq in seqs]
        with self._write() as sql:
            sql.executemany("UPDATE events SET state = ?, reason = ? WHERE seq = ?", rows)

    def mark_tried(self, seqs: Iterable[int], reason: str) -> None:
        """These events stopped a delivery; they still wait, and others go first."""
        rows = [(reason, seq, _WAITING) for seq in seqs]
        with self._write() as sql:
            sql.executemany("UPDATE events SET reason = ? WHERE seq = ? AND state = ?", rows)

    def params_before(self, run_key: str, seq: int) -> dict[str, tuple[str, str]]:
        """The first and the last value of every parameter of a run appended before `seq`."""
        rows = self._read(
            "SELECT body FROM events WHERE run_key = ? AND kind = 'params_logged' AND seq < ? "
            "ORDER BY seq",
            run_key,
            seq,
        )
        known: dict[str, tuple[str, str]] = {}
        for (body,) in rows:
            event = from_json(body)
            assert isinstance(event, ParamsLogged)
            for key, value in event.values.items():
                known[key] = known.get(key, (value, value))[0], value
        return known

    def open_runs(self) -> list[str]:
        """The keys of runs that were started and have not ended since, oldest first."""
        rows = self._read(
            "SELECT run_key, MAX(CASE kind WHEN 'run_started' THEN seq ELSE 0 END) AS started "
            "FROM events WHERE kind IN ('run_started', 'run_ended') GROUP BY run_key "
            "HAVING started = MAX(seq) ORDER BY started"
        )
        return [run_key for run_key, _ in rows]

    def last_end(self, run_key: str) -> str | None:
        """The status with which a run has ended; None for one that is open or never began."""
        rows = self._read(
            "SELECT body FROM events WHERE run_key = ? AND kind IN ('run_started', 'run_ended') "
            "ORDER BY seq DESC LIMIT 1",
            run_key,
        )
        event = from_json(rows[0][0]) if rows else None
        return event.status if isinstance(event, RunEnded) else None

    def summed(self, metric: str) -> dict[str, float]:
        """A metric summed over all of its steps, by run key; runs that have none are left out."""
        rows = self._read("SELECT run_key, body FROM events WHERE kind = 'metrics_logged'")
        found: dict[str, float] = {}
        for run_key, body in rows:
            value = json.loads(body)["values"].get(metric)
            if value is not None:
                found[run_key] = found.get(run_key, 0.0) + float(value)
        return found

    def run_id(self, run_key: str) -> str | None:
        """The store's id of a run, once it has one."""
        rows = self._read("SELECT run_id FROM runs WHERE run_key = ?", run_key)
        return rows[0][0] if rows else None

    def was_attempted(self, run_key: str) -> bool:
        """Whether somebody has begun to create this run, with or without success."""
        return bool(self._read("SELECT 1 FROM runs WHERE run_key = ?", run_key))

    def set_run_id(self, run_key: str, run_id: str | None) -> None:
        """Remember a run's id; None notes that its creation has begun."""
        with self._write() as sql:
            sql.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (run_key, run_id))

    def fact(self, key: str) -> str | None:
        """Something remembered of this outbox, or None."""
        rows = self._read("SELECT value FROM facts WHERE key = ?", key)
        if not rows:
            return None
        value: str = rows[0][0]
        return self._from_here(value) if key == TRACKING_URI else value

    def set_fact(self, key: str, value: str) -> None:
        """Remember something of this outbox."""
        with self._write() as sql:
            kept = self._kept(value) if key == TRACKING_URI else value
            sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, kept))

    def forget_fact(self, key: str) -> None:
        """Know this no longer."""
        with self._write() as sql:
            sql.execute("DELETE FROM facts WHERE key = ?", (key,))

    def forget_delivery(self) -> None:
        """Everything waits again: for a store that has none of it, or that finds it again."""
        with self._write() as sql:
            sql.execute("UPDATE events SET state = ?, reason = NULL", (_WAITING,))
            sql.execute("DELETE FROM runs")
            sql.execute("DELETE FROM facts WHERE key = ?", (EXPERIMENT_ID,))

    def from_outbox(self, path: Path | str) -> str:
        """A path as events keep it: of what lies in the outbox's own folder from there on, so
        that it is found wherever the folder was moved; absolute of anything else."""
        whole, here = Path(path).absolute(), self.path.absolute().parent
        return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)

    def place(self, kept: str) -> Path:
        """The absolute path of what an event keeps."""
        return self.path.absolute().parent / kept

    def _kept(self, uri: str) -> str:
        """A tracking address as it is kept: of a file among the same results relative."""
        file, here = sqlite_file(uri), self.path.absolute().parent
        if file is None or not file.is_relative_to(here.parents[1]):
            return uri
        _, query, options = uri.partition("?")
        return f"{sqlite_address(os.path.relpath(file, here))}{query}{options}"

    def _from_here(self, kept: str) -> str:
        if not kept.startswith(_FILE):
            return kept
        file, query, options = kept.removeprefix(_FILE).partition("?")
        return f"{sqlite_address(os.path.normpath(self.place(unquote(file))))}{query}{options}"

    def close(self) -> None:
        """Close the file; it is opened again when next used."""
        with self._lock:
            if self._opened:
                self._opened.close()
            self._opened = None

    def _count(self, state: int) -> int:
        return int(self._read("SELECT COUNT(*) FROM events WHERE state = ?", state)[0][0])

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection().execute(query, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            sql = self._connection()
            sql.execute("BEGIN IMMEDIATE")
            try:
                yield sql
                sql.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already; a second ROLLBACK would hide it.
                if sql.in_transaction:
                    sql.execute("ROLLBACK")
                raise

    def _is_only_to_read(self) -> bool:
        return self.path.is_file() and not os.access(self.path.parent, os.W_OK)

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            sql = sqlite3.connect(
                self.path, timeout=self._patience, isolation_level=None, check_same_thread=False
            )
            try:
                sql.execute("PRAGMA journal_mode = WAL")
                # A commit then survives the death of the process, though not of the machine,
                # and does not wait for the disk.
                sql.execute("PRAGMA synchronous = NORMAL")
                sql.executescript(_SCHEMA)
            except BaseException as error:
                sql.close()
                if not isinstance(error, sqlite3.OperationalError) or not self._is_only_to_read():
                    raise
                # Beside the file SQLite could not keep a log, which reading wants as well.
                uri = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
                sql = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            self._opened = sql
        return self._opened
