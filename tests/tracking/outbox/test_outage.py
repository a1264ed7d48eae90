"""The writer before a real server: how often it calls, and an outage from its start to `sync`."""

from __future__ import annotations

import itertools
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import typer
from mlflow_servers import Door
from told import Told
from typer.testing import CliRunner

from tracking.cli.commands import sync
from tracking.outbox.remainder import settle
from tracking.outbox.writer import start_writer

app = typer.Typer()
app.command()(sync)

EPOCHS = 20


def wait_until(met: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_one_delivery_a_second_and_what_a_server_missed_arrives_once_when_it_is_back(
    told: Told, door: Door, tmp_path: Path
) -> None:
    results = str(tmp_path / "results")
    writer = start_writer(told.outbox.path, door.address, told.name)
    writer.wait_ready()
    told.start()
    wait_until(lambda: told.outbox.count_waiting() == 0)

    door.calls.clear()
    began = time.monotonic()
    for trial_id in ("a", "b"):
        told.start_trial(trial_id)
    for _ in range(EPOCHS):
        for trial_id in ("a", "b"):
            told.epoch(trial_id)
        time.sleep(0.2)
    for trial_id in ("a", "b"):
        told.end_trial(trial_id)
    wait_until(lambda: told.outbox.count_waiting() == 0)
    deliveries = time.monotonic() - began + 1
    counts = door.counts()
    batches = counts.pop("runs/log-batch")
    assert counts == {"runs/create": 2, "runs/update": 2}
    assert batches <= 2 * min(EPOCHS, deliveries)
    logged = [call for call in door.calls if call.what == "runs/log-batch"]
    for trial_id in ("a", "b"):
        run_id = told.record.run_id(told.record.trial_key(trial_id)) or ""
        times = [call.at for call in logged if run_id.encode() in call.body]
        assert len(times) > 2
        assert all(later - earlier > 0.5 for earlier, later in itertools.pairwise(times))

    # A full disk takes neither the writer's marks nor its log, and must not end it.
    limit = resource.prlimit(writer.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(writer.pid, resource.RLIMIT_FSIZE, (0, limit[1]))
    before = len(door.calls)
    told.epoch("a")
    wait_until(lambda: len(door.calls) > before + 1)
    resource.prlimit(writer.pid, resource.RLIMIT_FSIZE, limit)
    assert writer.alive
    wait_until(lambda: told.outbox.count_waiting() == 0)

    door.shut()
    told.trial("c")
    told.end()
    remainder = settle(told.record, writer, timeout=3)
    assert (remainder.waiting, remainder.lost) == (7, 0)
    (line,) = remainder.lines(f"memgan sync --results {results}")
    assert line.startswith("7 events wait for the tracking store (")
    assert line.endswith(f"deliver them with: memgan sync --results {results}")
    away = CliRunner().invoke(app, ["--results", results, "--json"])
    assert away.exit_code == 1
    said = json.loads(away.stdout)
    assert said["waiting"] == 7
    assert "nobody answers there" in said["studies"][0]["fault"]

    door.open()
    back = CliRunner().invoke(app, [told.name, "--results", results, "--json"])
    assert back.exit_code == 0, back.output
    (study,) = json.loads(back.stdout)["studies"]
    assert (study["delivered"], study["waiting"], study["refused"]) == (7, 0, [])
    assert study["tracking_uri"] == door.address
    told.assert_arrived(door.address)
    assert told.blocked < 1
