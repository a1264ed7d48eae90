"""A real MLflow server that goes away, comes back, and has everything once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from memgan.errors import BadInput, UnknownName
from tracking import names
from tracking.commands import sync
from tracking.location import Location
from tracking.outbox import Outbox
from tracking.record import Record
from tracking.server import free_port, server_command
from tracking.writer import start_writer

app = typer.Typer()
app.command()(sync)


@contextlib.contextmanager
def running_server(location: Location, port: int, log: Path) -> Iterator[str]:
    """The server of `memgan ui`, until the block ends; its address."""
    arguments, environment = server_command(location, port)
    with log.open("w") as output:
        process = subprocess.Popen(
            arguments, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while True:
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health"):
                break
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_what_a_server_missed_arrives_once_when_it_is_back(
    record: Record,
    outbox: Outbox,
    local_record: Location,
    tell_trial: Callable[..., None],
    tmp_path: Path,
) -> None:
    port = free_port(None)
    results = str(tmp_path / "results")
    with running_server(local_record, port, tmp_path / "first.log") as address:
        writer = start_writer(outbox.path, address, "digits")
        writer.wait_ready()
        record.study_started({"trials": 2})
        tell_trial(record, "a")
        deadline = time.monotonic() + 30
        while outbox.count_waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert outbox.count_waiting() == 0
        assert writer.fault is None
        record.trial_started("b", {"learning_rate": 0.001, "memory_units": 25}, "all")

    began = time.monotonic()
    tell_trial(record, "b")
    record.study_ended("FINISHED")
    assert time.monotonic() - began < 1, "an outage must not slow the driver"
    left = writer.drain(timeout=4)
    assert left > 0
    assert writer.fault

    away = CliRunner().invoke(app, ["--results", results, "--json"])
    assert away.exit_code == 1
    said = json.loads(away.stdout)
    assert said["waiting"] == left
    assert "cannot be used" in said["studies"][0]["fault"]

    with running_server(local_record, port, tmp_path / "second.log") as address:
        back = CliRunner().invoke(app, ["digits", "--results", results, "--json"])
        assert back.exit_code == 0, back.output
        (study,) = json.loads(back.stdout)["studies"]
        assert (study["delivered"], study["waiting"], study["refused"]) == (left, 0, [])
        assert study["tracking_uri"] == address

        from tracking.mlflow_tracker import MlflowTracker

        tracker = MlflowTracker(address)
        experiment = tracker.find_experiment("digits")
        assert experiment is not None
        for key in (record.study_key, record.trial_key("a"), record.trial_key("b")):
            assert tracker.find_runs(experiment, key) == [record.run_id(key)]
        run_id = record.run_id(record.trial_key("b"))
        assert run_id is not None
        view = tracker.get_run(run_id)
        assert view.status == "FINISHED"
        assert view.tags[names.PARENT_RUN] == record.run_id(record.study_key)
        assert [p.step for p in tracker.history(run_id, "val_auroc/mean")] == [1, 2, 3]


def test_a_study_without_anything_to_deliver_needs_no_server(
    outbox: Outbox, tmp_path: Path
) -> None:
    outbox.set_fact("tracking_uri", "http://127.0.0.1:9")
    done = CliRunner().invoke(app, ["--results", str(tmp_path / "results")])
    assert (done.exit_code, done.stdout) == (0, "digits: 0 delivered, 0 waiting\n")


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


def test_a_server_is_for_records_that_exist_and_stays_on_loopback(
    local_record: Location, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="no record at"):
        server_command(Location(uri=f"sqlite:///{tmp_path}/none.db"), 5000)
    with pytest.raises(BadInput, match="is a server already"):
        server_command(Location(uri="http://127.0.0.1:5000"), 5000)
    arguments, environment = server_command(local_record, 5001)
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_a_port_in_use_is_bad_input() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadInput, match="cannot be had"):
            free_port(taken.getsockname()[1])
