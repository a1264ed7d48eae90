"""Servers that take experiments of certain names only, or lie below a path."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow_servers import Call, Door, Server, Trouble

from memgan.errors import BadInput
from tracking.comparison.study_experiment import experiments_of_study
from tracking.outbox.delivery import deliver
from tracking.outbox.experiment import choose_experiment, owner, settle_experiment
from tracking.outbox.outbox import DELIVERED_AS, EXPERIMENT, EXPERIMENT_ID, Outbox
from tracking.outbox.record import Record
from tracking.outbox.sync import sync_one
from tracking.outbox.writer import WriterProcess, start_writer
from tracking.stores.mlflow_tracker import MlflowTracker
from tracking.testing.memory_tracker import MemoryTracker

_REFUSAL = {
    "error_code": "INVALID_PARAMETER_VALUE",
    "message": "Got an invalid experiment name. It must be an absolute path, as /Users/YOU/name.",
}


def _only_paths(call: Call) -> Trouble | None:
    """What Databricks does: an experiment's name is a path below a user's folder."""
    if call.what == "experiments/create" and not json.loads(call.body)["name"].startswith("/"):
        return Trouble(status=400, answer=json.dumps(_REFUSAL).encode())
    return None


@pytest.fixture
def picky(door: Door) -> Door:
    door.rule = _only_paths
    return door


def test_a_refused_name_leads_to_the_option_and_another_one_gets_the_whole_record(
    picky: Door, outbox: Outbox, record: Record, study_name: str
) -> None:
    record.study_started({"trials": 3})
    tracker = MlflowTracker(picky.address)
    stuck = deliver(outbox, tracker)
    assert (stuck.delivered, stuck.refused) == (0, 0), "what may be mended is kept"
    assert "no experiment named digits; give one that it takes with --experiment" in (
        stuck.fault or ""
    )
    path = f"/Users/YOU/{study_name}"
    settle_experiment(outbox, path)
    assert deliver(outbox, tracker).waiting == 0
    experiment = tracker.find_experiment(path)
    assert experiment == outbox.fact(EXPERIMENT_ID)
    assert tracker.find_runs(str(experiment), record.study_key) == [outbox.run_id(record.study_key)]


def test_a_record_moves_as_a_whole_to_another_experiment(outbox: Outbox, record: Record) -> None:
    tracker = MemoryTracker()
    record.study_started({"trials": 3})
    assert deliver(outbox, tracker).waiting == 0
    assert settle_experiment(outbox, "digits") is None, "the same one again"
    assert settle_experiment(outbox, "elsewhere") == "digits"
    assert deliver(outbox, tracker).waiting == 0
    moved = tracker.find_experiment("elsewhere")
    assert moved is not None
    assert len(tracker.find_runs(moved, record.study_key)) == 1
    assert settle_experiment(outbox, "elsewhere") is None


def test_sync_takes_another_experiment(
    outbox: Outbox, record: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record.study_started({})
    asked: list[str] = []

    def delivered(box: Outbox, location: object, experiment: str, patience: float) -> None:
        asked.append(experiment)

    monkeypatch.setattr("tracking.outbox.sync._deliver", delivered)
    results = tmp_path / "results"
    sync_one(outbox.path, results, None)
    sync_one(outbox.path, results, None, experiment="/Shared/digits")
    assert asked == ["digits", "/Shared/digits"]


def test_the_name_is_the_given_one_then_the_earlier_one_then_the_environments_then_the_studys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, uri = Outbox(tmp_path / "outbox.db"), "http://127.0.0.1:5000"
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    assert choose_experiment(new, "lines", None, uri) == "lines"
    assert not new.path.exists(), "nothing is written where a study may never begin"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "/Shared/ours")
    assert choose_experiment(new, "lines", None, uri) == "/Shared/ours"
    new.check()
    new.set_fact(EXPERIMENT, "earlier")
    assert choose_experiment(new, "lines", None, uri) == "earlier"
    assert choose_experiment(new, "lines", "now", uri) == "now"
    with pytest.raises(BadInput, match="--experiment"):
        choose_experiment(new, "lines", "  ", uri)


def test_databricks_wants_a_whole_path_and_says_so_before_anything_begins(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    for uri in ("databricks", "databricks://profile"):
        with pytest.raises(BadInput, match="give --experiment /Users/YOU/lines"):
            choose_experiment(box, "lines", None, uri)
        assert choose_experiment(box, "lines", "/Shared/lines", uri) == "/Shared/lines"


def test_an_outbox_knows_its_study_whatever_its_experiment_is_called(outbox: Outbox) -> None:
    outbox.set_fact("study", "digits")
    settle_experiment(outbox, "/Shared/all")
    assert owner(outbox) == "digits"


def test_a_study_is_found_in_an_experiment_of_another_name(
    outbox: Outbox, record: Record, tell_trial: Callable[..., None]
) -> None:
    tracker = MemoryTracker()
    tracker.create_experiment("Default")
    settle_experiment(outbox, "/Shared/all")
    record.study_started({})
    deliver(outbox, tracker)
    assert list(experiments_of_study(tracker, "digits").values()) == [
        tracker.find_experiment("/Shared/all")
    ]
    assert experiments_of_study(tracker, "others") == {}


def test_a_study_that_moved_is_found_where_it_is_now(outbox: Outbox, record: Record) -> None:
    tracker = MemoryTracker()
    record.study_started({})
    for name in ("digits", "team", "digits", "a"):
        settle_experiment(outbox, name)
        deliver(outbox, tracker)
        found = experiments_of_study(tracker, "digits")
        assert list(found.values()) == [tracker.find_experiment(name)]
        time.sleep(0.002)  # The times of moves are milliseconds.


def test_a_move_that_failed_is_tried_again(
    outbox: Outbox, record: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record.study_started({})
    settle_experiment(outbox, "digits")
    assert deliver(outbox, MemoryTracker()).waiting == 0
    asked: list[str] = []

    def unanswered(box: Outbox, location: object, experiment: str, patience: float) -> str:
        asked.append(experiment)
        return "nobody answers"

    monkeypatch.setattr("tracking.outbox.sync._deliver", unanswered)
    monkeypatch.setattr(WriterProcess, "_start", lambda process: None)
    results = tmp_path / "results"
    assert sync_one(outbox.path, results, None).fault is None
    for _ in range(2):
        assert sync_one(outbox.path, results, None, experiment="team").fault == "nobody answers"
        start_writer(outbox.path, "http://127.0.0.1:9", "team", study="digits")
    assert asked == ["team", "team"]
    assert outbox.fact(EXPERIMENT) == "digits", "a name that no store took does not stick"

    def moved(box: Outbox, location: object, experiment: str, patience: float) -> None:
        settle_experiment(box, experiment)
        deliver(box, MemoryTracker())

    outbox.set_fact(EXPERIMENT, "team")  # What an earlier version left of such a move.
    assert outbox.fact(DELIVERED_AS) == "digits"
    assert sync_one(outbox.path, results, None).fault == "nobody answers"
    monkeypatch.setattr("tracking.outbox.sync._deliver", moved)
    events = outbox.count_delivered()
    assert sync_one(outbox.path, results, None).delivered == events + 1, "with the time of the move"
    assert sync_one(outbox.path, results, None, experiment="team").delivered == 0


@pytest.fixture
def below_a_path(server: Server) -> Iterator[Door]:
    door = Door(server.port, prefix="/tools/mlflow")
    door.open()
    yield door
    door.shut()


def test_a_server_below_a_path_takes_runs_and_artifacts(
    below_a_path: Door, study_name: str, tmp_path: Path
) -> None:
    from tracking.stores.reachable import knock

    knock(below_a_path.address)
    tracker = MlflowTracker(below_a_path.address)
    experiment = tracker.create_experiment(study_name)
    run = tracker.create_run(experiment, "one", 1, {"a": "b"})
    (tmp_path / "note.txt").write_text("kept")
    tracker.log_artifact(run, tmp_path / "note.txt", "notes")
    assert tracker.artifacts(run) == ["notes/note.txt"]
    assert tracker.read_artifact(run, "notes/note.txt") == b"kept"
    assert "artifact" in below_a_path.counts()
    assert all(call.path.startswith("/tools/mlflow/") for call in below_a_path.calls)
