"""The writer process on real SQLite, its death and its driver's."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memgan.errors import TrackingUnavailable
from tracking import names
from tracking.address import Location
from tracking.outbox.outbox import Outbox
from tracking.outbox.record import Record
from tracking.outbox.writer import start_writer

Tell = Callable[..., None]


def wait_until(met: Callable[[], bool], seconds: float = 60.0) -> None:
    """Poll until `met`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_writer_killed_in_mid_delivery_costs_nothing(
    record: Record, outbox: Outbox, local_record: Location, tell_trial: Tell, tmp_path: Path
) -> None:
    lock = outbox.path.with_name("outbox.db.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    writer = start_writer(outbox.path, local_record.uri, "digits", local_record.artifact_root)
    record.study_started({"trials": 16})
    for number in range(16):
        tell_trial(record, f"t{number}")
    figure = tmp_path / "roc.svg"
    figure.write_text("<svg/>")
    record.artifact(record.study_key, figure, "figures")
    record.study_ended("FINISHED")
    total = outbox.count_waiting()
    writer.wait_ready()
    time.sleep(1.2)
    assert outbox.count_delivered() == 0, "another writer holds the lock"
    lock.close()

    wait_until(lambda: outbox.count_delivered() > 20)
    os.kill(writer.pid, signal.SIGKILL)
    wait_until(lambda: not writer.alive)
    assert 0 < outbox.count_waiting() < total
    assert writer.drain(timeout=60) == 0
    assert not writer.alive
    assert outbox.refused() == []
    assert record.faults == ()

    from mlflow import MlflowClient

    client = MlflowClient(local_record.uri)
    experiment = client.get_experiment_by_name("digits")
    assert experiment.experiment_id == record.experiment_id()
    assert experiment.artifact_location == f"{local_record.artifact_root}/digits"
    runs = {
        run.data.tags[names.RUN_KEY]: run for run in client.search_runs([experiment.experiment_id])
    }
    assert len(client.search_runs([experiment.experiment_id])) == len(runs) == 17
    assert all(run.info.status == "FINISHED" for run in runs.values())
    study = runs[record.study_key]
    assert study.info.run_id == record.run_id(record.study_key)
    for number in range(16):
        trial = runs[record.trial_key(f"t{number}")]
        assert trial.data.tags["mlflow.parentRunId"] == study.info.run_id
        assert trial.data.params == {"learning_rate": "0.001", "memory_units": "25"}
    history = client.get_metric_history(runs[record.trial_key("t7")].info.run_id, "val_auroc/0")
    assert sorted((m.step, m.value) for m in history) == [(1, 0.6), (2, 0.7), (3, 0.8)]
    figures = client.list_artifacts(study.info.run_id, "figures")
    assert [entry.path for entry in figures] == ["figures/roc.svg"]


def test_a_writer_delivers_what_its_dead_driver_left(
    outbox: Outbox, local_record: Location
) -> None:
    driver = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tracking import Outbox, Record, StudyFacts, start_writer\n"
        "path, uri, root = sys.argv[1:]\n"
        "writer = start_writer(Path(path), uri, 'digits', root)\n"
        "writer.wait_ready()\n"
        "facts = StudyFacts(study_id='1', name='digits', dataset='d', detector='m',"
        " protocol='shared', split_hash='h')\n"
        "Record(Outbox(Path(path)), facts).study_started({})\n"
        "print(writer.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = local_record.artifact_root
    assert root is not None
    done = subprocess.run(
        [sys.executable, "-c", driver, str(outbox.path), local_record.uri, root],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid))
    assert outbox.count_waiting() == 0
    assert outbox.run_id(names.study_key("1"))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_an_address_that_does_not_answer_is_said_quickly(outbox: Outbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        writer = start_writer(outbox.path, f"http://ann:s3cret@127.0.0.1:{port}", "digits")
        began = time.monotonic()
        with pytest.raises(TrackingUnavailable) as error:
            writer.wait_ready()
    assert time.monotonic() - began < 15
    line = str(error.value)
    assert f"http://***@127.0.0.1:{port} cannot be used" in line
    assert "\n" not in line
    assert error.value.exit_code == 2
    assert not writer.alive
    assert "s3cret" not in line + writer.log.read_text()
    assert b"s3cret" not in outbox.path.read_bytes()


def test_a_store_that_is_none_is_said(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text(
        "no database at all, and long enough to be seen as none" * 9
    )
    writer = start_writer(outbox.path, f"sqlite:///{tmp_path}/mlflow.db", "digits")
    with pytest.raises(TrackingUnavailable, match="file is not a database"):
        writer.wait_ready()
