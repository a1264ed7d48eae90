"""`memgan sync`, and the server that `memgan ui` starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from memgan.errors import BadInput, UnknownName
from tracking.address import Location
from tracking.cli.commands import sync
from tracking.cli.ui_server import free_port, server_command, study_experiments
from tracking.events import TagsSet
from tracking.outbox.outbox import Outbox
from tracking.outbox.record import Record

app = typer.Typer()
app.command()(sync)


def test_a_study_without_anything_to_deliver_needs_no_server(
    outbox: Outbox, tmp_path: Path
) -> None:
    outbox.set_fact("tracking_uri", "http://127.0.0.1:9")
    done = CliRunner().invoke(app, ["--results", str(tmp_path / "results")])
    assert (done.exit_code, done.stdout) == (0, "digits: 0 delivered, 0 waiting\n")


def test_a_move_that_failed_is_no_success(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracking.outbox.sync._deliver", lambda *_: "nobody answers")
    asked = ["digits", "--results", str(tmp_path / "results"), "--experiment", "team"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert "  nobody answers\nthe record stays where it was; run the same again" in done.stdout


def test_an_unknown_study_or_folder_is_bad_input(outbox: Outbox, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        sync("digit", results=tmp_path / "results")
    with pytest.raises(BadInput, match="no results folder"):
        sync(results=tmp_path / "elsewhere")


def test_a_password_that_was_not_kept_is_asked_for(
    record: Record, outbox: Outbox, tmp_path: Path
) -> None:
    record.study_started({})
    outbox.set_fact("tracking_uri", "http://***@127.0.0.1:9")
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_URI with it"):
        sync(results=tmp_path / "results")


def test_a_study_that_cannot_be_delivered_stops_no_other(
    record: Record, outbox: Outbox, tmp_path: Path
) -> None:
    record.study_started({})
    outbox.set_fact("tracking_uri", "http://***@127.0.0.1:9")
    other = Outbox(tmp_path / "results" / "studies" / "other" / "outbox.db")
    other.check()
    done = CliRunner().invoke(app, ["--results", str(tmp_path / "results")])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "digits: 0 delivered, 2 waiting"
    assert "password is not kept" in lines[1]
    assert lines[2] == "other: 0 delivered, 0 waiting"


def test_everything_is_delivered_again_on_request(
    record: Record, outbox: Outbox, local_record: Location, tmp_path: Path
) -> None:
    record.study_started({"a": 1})
    outbox.mark_delivered(stored.seq for stored in outbox.waiting())
    outbox.append([TagsSet(run_key=record.study_key, tags={"a": "b"})])
    outbox.mark_refused([outbox.waiting()[0].seq], "its run is gone")
    results = str(tmp_path / "results")
    named = CliRunner().invoke(app, ["digits", "--results", results])
    assert named.exit_code == 0
    assert f"refused by the store: {record.study_key} tags_set: its run is gone" in named.stdout
    again = CliRunner().invoke(app, ["digits", "--results", results, "--again"])
    assert (again.exit_code, again.stdout) == (0, "digits: 3 delivered, 0 waiting\n")
    assert outbox.run_id(record.study_key)


def test_a_server_is_for_records_that_exist_and_stays_on_loopback(
    local_record: Location, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="no record at"):
        server_command(Location(uri=f"sqlite:///{tmp_path}/none.db"), 5000)
    arguments, environment = server_command(local_record, 5001)
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_a_port_in_use_is_bad_input() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadInput, match="cannot be had"):
            free_port(taken.getsockname()[1])


def test_each_study_of_this_record_is_found_and_none_of_another(
    local_record: Location, outbox: Outbox, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    outbox.set_fact("tracking_uri", local_record.uri)
    assert study_experiments(local_record, results) == {}  # Nothing has been delivered yet.
    outbox.set_fact("experiment_id", "7")
    other = Outbox(results / "studies" / "elsewhere" / "outbox.db")
    other.check()
    other.set_fact("tracking_uri", "http://127.0.0.1:9")
    other.set_fact("experiment_id", "1")
    (results / "studies" / "broken").mkdir()
    (results / "studies" / "broken" / "outbox.db").write_bytes(b"no database at all" * 100)
    assert study_experiments(local_record, results) == {"digits": "7"}


def test_a_record_that_was_moved_away_is_asked_for_and_not_made_anew(
    record: Record, outbox: Outbox, tmp_path: Path
) -> None:
    record.study_started({})
    outbox.set_fact("tracking_uri", f"sqlite:///{tmp_path}/gone.db")
    with pytest.raises(BadInput, match="not there any more"):
        sync(results=tmp_path / "results")
    assert not (tmp_path / "gone.db").exists()
