"""A record that is read without MLflow is read as MLflow reads it, or by MLflow itself."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow_servers import Server

from tracking.address import Location
from tracking.stores import opening
from tracking.stores.mlflow_tracker import MlflowTracker
from tracking.stores.opening import open_reader
from tracking.stores.server_reader import ServerReader
from tracking.stores.sqlite_reader import SqliteReader
from tracking.stores.tracker import Point, RecordReader, Unavailable


@pytest.fixture
def tracker(store: Location) -> MlflowTracker:
    return MlflowTracker(store.uri, store.artifact_root)


@pytest.fixture
def only_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("MLflow was asked")

    monkeypatch.setattr(opening, "open_tracker", refuse)


def test_answers_are_those_of_mlflow(
    tracker: MlflowTracker, store: Location, study_name: str, tmp_path: Path, only_quick: None
) -> None:
    name = f"{study_name} 猫 50%"
    experiment = tracker.create_experiment(name)
    deleted = tracker.create_experiment(f"{name} deleted")
    tracker._client.delete_experiment(deleted)
    first = tracker.create_run(experiment, "first", 1000, {"kind": "final", "study": "a"})
    points = [Point("auroc/猫", 0.1, 5, 0), Point("auroc/猫", 0.9, 6, 1)]
    points += [Point("odd", math.nan, 5, 0), Point("far", math.inf, 5, 0)]
    tracker.log_batch(first, points, {"width": "8"}, {"note": "x"})
    (tmp_path / "scores 1.npz").write_bytes(b"some bytes")
    tracker.log_artifact(first, tmp_path / "scores 1.npz", "scores")
    tracker.end(first, "FINISHED", 2000)
    tracker.create_run(experiment, "second", 3000, {"kind": "final", "study": "b"})
    tracker.create_run(experiment, "trial", 4000, {"kind": "trial", "study": "b"})
    gone = tracker.create_run(experiment, "gone", 5000, {"kind": "final"})
    tracker.delete_run(gone)

    quick = open_reader(store.uri, store.artifact_root)

    for reader in (quick, tracker):
        assert reader.find_experiment(name) == experiment
        assert reader.find_experiment("nope") is None
        assert reader.find_experiment(f"{name} deleted") is None
    assert quick.experiments() == tracker.experiments()
    for tags in ({}, {"kind": "final"}, {"kind": "final", "study": "b"}, {"kind": "none"}):
        assert repr(quick.runs(experiment, tags)) == repr(tracker.runs(experiment, tags))
    assert [run.name for run in quick.runs(experiment, {"kind": "final"})] == ["first", "second"]
    assert quick.read_artifact(first, "scores/scores 1.npz") == b"some bytes"
    assert quick.read_artifact(first, "scores/none.npz") is None


def test_a_record_that_is_not_as_known_is_read_by_mlflow(
    local_record: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    whole = MlflowTracker(local_record.uri, local_record.artifact_root)
    experiment = whole.create_experiment("shown")
    run = whole.create_run(experiment, "one", 0, {})
    monkeypatch.setattr(opening, "open_tracker", lambda *a: asked.append(a) or whole)

    def reader() -> RecordReader:
        return open_reader(local_record.uri, local_record.artifact_root)

    assert reader().find_experiment("shown") == experiment
    assert not asked
    path = Path(local_record.uri.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("UPDATE runs SET artifact_uri = 'elsewhere://bucket/x'")
    with pytest.raises(Unavailable):
        reader().read_artifact(run, "a.txt")
    assert len(asked) == 1
    monkeypatch.setenv("MLFLOW_WORKSPACE", "mine")
    reader().experiments()
    assert len(asked) == 2


def test_a_server_that_answers_otherwise_is_asked_by_mlflow(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(opening, "open_tracker", lambda *a: asked.append(a) or _Nothing())
    monkeypatch.setattr(opening, "knock", lambda uri: None)
    assert open_reader(f"{server.address}/nowhere").find_experiment("shown") is None
    assert open_reader("http://127.0.0.1:9").find_experiment("shown") is None
    assert len(asked) == 2
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", "/nowhere.pem")
    open_reader(server.address)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"MLFLOW_TRACKING_TOKEN": "abc"}, "Bearer abc"),
        (
            {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "pass"},
            "Basic bWU6cGFzcw==",
        ),
        ({}, None),
    ],
)
def test_the_user_is_told_to_the_server_as_by_mlflow(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], header: str | None
) -> None:
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    reader = ServerReader("http://127.0.0.1:9")
    assert reader._session.headers.get("Authorization") == header


def test_a_question_leaves_the_file_as_it_is(local_record: Location) -> None:
    path = Path(local_record.uri.removeprefix("sqlite:///"))
    before = path.read_bytes()
    SqliteReader(path).experiments()
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


class _Nothing:
    def find_experiment(self, name: str) -> str | None:
        return None
