"""A whole search whose tracking server is stopped in the middle, comes back, and is stopped for
good in the search that extends it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow_servers import Server

from search.cli.app import run
from tracking import names
from tracking.address import resolve
from tracking.outbox.outbox import Outbox

pytestmark = [pytest.mark.outage, pytest.mark.timeout(900)]

MINUTE = 60.0

# The command line, with a watch held on whatever it tells its record.
_TIMED = """
import sys, time
from tracking.outbox.record import Record
blocked = 0.0
def timed(method):
    def call(*arguments, **named):
        global blocked
        began = time.monotonic()
        try:
            return method(*arguments, **named)
        finally:
            blocked += time.monotonic() - began
    return call
for name, method in list(vars(Record).items()):
    if not name.startswith("_") and callable(method):
        setattr(Record, name, timed(method))
from search.cli.app import run
code = run(sys.argv[1:])
sys.stderr.write(f"blocked {blocked:.3f}\\n")
sys.exit(code)
"""
OPTIONS = "--trials 2 --epochs 2 --final-seeds 1 --normal-class 0,1 --set width=2 --name away"


class Search:
    """`memgan search` in a process of its own."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.outbox = Outbox(home / "results" / "studies" / "away" / "outbox.db")
        self._output = home / "out.txt", home / "err.txt"
        with self._output[0].open("w") as out, self._output[1].open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _TIMED, "search", *arguments, "--json"],
                stdout=out,
                stderr=err,
                cwd=home,
            )

    def wait_for_delivered(self, more_than: int) -> None:
        while not self.outbox.path.exists() or self.outbox.count_delivered() <= more_than:
            assert self.process.poll() is None, self._output[1].read_text()
            time.sleep(0.1)

    def ended(self) -> tuple[dict[str, Any], list[str]]:
        """Its document and its lines on standard error, once it has ended well."""
        code = self.process.wait(600)
        err = self._output[1].read_text()
        assert code == 0, err
        assert "Traceback" not in err
        return json.loads(self._output[0].read_text()), err.splitlines()


def blocked(lines: list[str]) -> float:
    (line,) = [line for line in lines if line.startswith("blocked ")]
    return float(line.removeprefix("blocked "))


def assert_arrived(document: dict[str, Any], outbox: Outbox, trials: int) -> None:
    from mlflow import MlflowClient

    assert (outbox.count_waiting(), outbox.refused()) == (0, [])
    client = MlflowClient(document["tracking_uri"])
    experiment = client.get_experiment_by_name("away")
    runs = client.search_runs([experiment.experiment_id])
    keys = [run.data.tags[names.RUN_KEY] for run in runs]
    assert len(keys) == len(set(keys))
    kinds = [run.data.tags[names.KIND] for run in runs]
    assert (kinds.count("study"), kinds.count("trial")) == (1, trials)
    assert kinds.count("final") in (1, 2)
    for found in runs:
        assert found.info.status in ("FINISHED", "KILLED")
        assert found.info.end_time
        if found.data.tags[names.KIND] == "trial":
            history = client.get_metric_history(found.info.run_id, names.val_auroc(names.MEAN))
            steps = sorted(metric.step for metric in history)
            assert steps == list(range(1, len(steps) + 1))
            assert found.info.status == "KILLED" or len(steps) == 2
        if found.data.tags[names.KIND] == "study":
            exported = {entry.path for entry in client.list_artifacts(found.info.run_id, "export")}
            assert {"export/best.yaml", "export/report.json"} <= exported
            assert found.data.metrics[names.test_auroc(names.MEAN)] == pytest.approx(
                document["mean"]["test_auroc_mean"]
            )


def test_a_search_goes_on_without_its_server_and_the_record_is_whole_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mlflow.db").touch()  # The server makes a record of it.
    server = Server(resolve(None, tmp_path / "store"), tmp_path / "server.log")
    server.start()
    try:
        search = Search(tmp_path, *OPTIONS.split(), "--tracking-uri", server.address)
        search.wait_for_delivered(3)
        server.kill()
        time.sleep(MINUTE)
        server.start()
        document, lines = search.ended()
        first = blocked(lines)
        monkeypatch.chdir(tmp_path)
        if document["waiting_events"]:
            assert run(["sync", "away"]) == 0
        assert_arrived(document, search.outbox, trials=2)

        arguments = ["--resume", "away", "--trials", "3", "--tracking-uri", server.address]
        search = Search(tmp_path, *arguments)
        search.wait_for_delivered(search.outbox.count_delivered())
        server.kill()
        document, lines = search.ended()
        waiting = document["waiting_events"]
        assert waiting > 0
        (line,) = [line for line in lines if "events wait" in line]
        assert line.startswith(f"{waiting} events wait for the tracking store (")
        server.start()
        command = shlex.split(line.rpartition("deliver them with: ")[2].removeprefix("uv run "))
        capsys.readouterr()
        assert run([*command[1:], "--json"]) == 0
        (synced,) = json.loads(capsys.readouterr().out)["studies"]
        assert (synced["delivered"], synced["waiting"]) == (waiting, 0)
        assert_arrived(document, search.outbox, trials=3)
    finally:
        server.kill()
    second = blocked(lines)
    with capsys.disabled():
        print(f"\nmemgan search, its driver held up by the record: {first} s, then {second} s")
    assert max(first, second) < 5
