from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tracking.stores.fresh_store import FreshStore
from tracking.stores.reachable import knock
from tracking.stores.tracker import Unavailable


def uri_of(path: Path) -> str:
    return f"sqlite:///{path}"


def fill(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("CREATE TABLE runs (run_uuid TEXT)")
        sql.execute("CREATE TABLE experiments (name TEXT)")
        sql.execute("INSERT INTO experiments VALUES ('Default')")
        for statement in statements:
            sql.execute(statement)


def test_an_unused_store_goes_with_what_was_made_for_it_and_nothing_else(tmp_path: Path) -> None:
    theirs = ["runs_2019.csv", "runs.bak", "runs-old", "runs.lock.txt"]
    folder = tmp_path / "new" / "keep"
    store = FreshStore(uri_of(folder / "runs"))
    fill(folder / "runs")
    (folder / "runs-journal").write_bytes(b"of a writer that was killed")
    for name in theirs:
        (folder / name).write_text(name)

    store.take_away()

    assert sorted(path.name for path in folder.iterdir()) == sorted(theirs)
    for name in theirs:
        (folder / name).unlink()
    FreshStore(uri_of(folder / "runs")).take_away()
    assert folder.is_dir()  # The second one did not make it.


@pytest.mark.parametrize(
    "use",
    ["INSERT INTO runs VALUES ('1')", "INSERT INTO experiments VALUES ('of somebody else')"],
)
def test_a_store_that_somebody_has_come_to_use_stays(tmp_path: Path, use: str) -> None:
    store = FreshStore(uri_of(tmp_path / "mlflow.db"))
    fill(tmp_path / "mlflow.db", use)
    before = (tmp_path / "mlflow.db").read_bytes()
    store.take_away()
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_store_that_somebody_is_opening_stays(tmp_path: Path) -> None:
    store = FreshStore(uri_of(tmp_path / "mlflow.db"))
    with (tmp_path / "mlflow.db.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store.take_away()
    assert (tmp_path / "mlflow.db").exists()


def test_a_store_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    FreshStore(uri_of(tmp_path / "mlflow.db")).take_away()
    assert (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
def test_a_file_that_sqlite_would_remove_is_named_and_stays(tmp_path: Path, end: str) -> None:
    theirs = tmp_path / f"runs{end}"
    theirs.write_text("of the user")
    store = FreshStore(uri_of(tmp_path / "runs"))
    with pytest.raises(Unavailable, match=f"runs{end} lies there"):
        knock(uri_of(tmp_path / "runs"))
    store.take_away()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["of the user"]
