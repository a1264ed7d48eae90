"""A real MLflow server that is away for a while, and what `memgan sync` does about it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
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


class Door:
    """Stands before a server on a port of its own; while it is shut, connections are refused."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self.port = free_port(None)
        self._listener: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        assert self._listener is not None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        self._ends: list[socket.socket] = []
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._server_port))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def door(local_record: Location, tmp_path: Path) -> Iterator[Door]:
    """An open door to the server of `memgan ui` on an empty record."""
    port = free_port(0)
    arguments, environment = server_command(local_record, port)
    log = tmp_path / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            arguments, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health"),
            ):
                break
            time.sleep(0.2)
        door = Door(port)
        door.open()
        yield door
        door.shut()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_what_a_server_missed_arrives_once_when_it_is_back(
    record: Record,
    outbox: Outbox,
    door: Door,
    tell_trial: Callable[..., None],
    tmp_path: Path,
) -> None:
    results = str(tmp_path / "results")
    writer = start_writer(outbox.path, door.address, "digits")
    writer.wait_ready()
    record.study_started({"trials": 2})
    tell_trial(record, "a")
    deadline = time.monotonic() + 60
    while outbox.count_waiting() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (outbox.count_waiting(), writer.fault) == (0, None)

    door.shut()
    began = time.monotonic()
    tell_trial(record, "b")
    record.study_ended("FINISHED")
    assert time.monotonic() - began < 1, "an outage must not slow the driver"
    left = writer.drain(timeout=3)
    assert left == 7
    assert writer.fault
    away = CliRunner().invoke(app, ["--results", results, "--json"])
    assert away.exit_code == 1
    said = json.loads(away.stdout)
    assert said["waiting"] == left
    assert "nobody answers there" in said["studies"][0]["fault"]

    door.open()
    back = CliRunner().invoke(app, ["digits", "--results", results, "--json"])
    assert back.exit_code == 0, back.output
    (study,) = json.loads(back.stdout)["studies"]
    assert (study["delivered"], study["waiting"], study["refused"]) == (left, 0, [])
    assert study["tracking_uri"] == door.address

    from tracking.mlflow_tracker import MlflowTracker

    tracker = MlflowTracker(door.address)
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
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadInput, match="cannot be had"):
            free_port(taken.getsockname()[1])
