"""A local record in places that cannot be locked or written."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.tracking._tracking_service import utils

from memgan.errors import BadInput
from tracking.address import Location, resolve
from tracking.comparison.reader import open_store
from tracking.outbox.outbox import Outbox
from tracking.outbox.writer import start_writer
from tracking.stores.mlflow_tracker import MlflowTracker
from tracking.stores.tracker import Unavailable


def test_a_record_where_nothing_can_be_locked_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(Unavailable, match="cannot be locked"):
        MlflowTracker(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def opened() -> Callable[[Location], MlflowTracker]:
    """(location) -> a tracker as another process has it: MLflow keeps by run where artifacts go."""

    def open_it(location: Location) -> MlflowTracker:
        utils._artifact_repos_cache.clear()
        return MlflowTracker(location.uri, location.artifact_root)

    return open_it


def test_artifacts_of_a_moved_record_go_to_where_it_lies_now(
    local_record: Location, opened: Callable[[Location], MlflowTracker], tmp_path: Path
) -> None:
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    before = opened(local_record)
    run = before.create_run(before.create_experiment("moved"), "a", 0, {})
    before.log_artifact(run, tmp_path / "one", None)
    (tmp_path / "results").rename(tmp_path / "elsewhere")

    now = opened(resolve(None, tmp_path / "elsewhere"))
    now.log_artifact(run, tmp_path / "two", None)

    assert now.artifacts(run) == ["one", "two"]
    assert not (tmp_path / "results").exists()


def test_a_copied_record_leaves_the_artifacts_of_the_original(
    local_record: Location, opened: Callable[[Location], MlflowTracker], tmp_path: Path
) -> None:
    (tmp_path / "one").write_text("1")
    original = opened(local_record)
    run = original.create_run(original.create_experiment("copied"), "a", 0, {})
    original.log_artifact(run, tmp_path / "one", None)
    shutil.copytree(tmp_path / "results", tmp_path / "copy")
    (tmp_path / "two").write_text("2")

    copy = opened(resolve(None, tmp_path / "copy"))
    copy.log_artifact(run, tmp_path / "two", None)

    assert copy.artifacts(run) == ["one", "two"]
    assert opened(local_record).artifacts(run) == ["one"]


@pytest.fixture
def read_only(local_record: Location, outbox: Outbox, tmp_path: Path) -> Iterator[Path]:
    """The results, with a record and a study, where nothing can be written any more."""
    tracker = MlflowTracker(local_record.uri, local_record.artifact_root)
    tracker.create_run(tracker.create_experiment("shown"), "a", 0, {"kind": "x"})
    outbox.set_run_id("trial", "0123")
    outbox.close()
    there = tmp_path / "there"
    there.mkdir()
    for options in ([], ["-o", "remount,ro"]):
        command = ["mount", "--bind", *options, str(tmp_path / "results"), str(there)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this user may not mount")
    yield there
    # Lazily, as the record is open until its garbage is collected.
    subprocess.run(["umount", "-l", str(there)], check=True)


def test_what_cannot_be_written_can_be_read(read_only: Path) -> None:
    location = resolve(None, read_only)
    store = open_store(location)
    experiment = store.find_experiment("shown")
    assert experiment is not None
    assert [run.name for run in store.runs(experiment, {"kind": "x"})] == ["a"]
    outbox = Outbox(read_only / "studies" / "digits" / "outbox.db")
    assert outbox.run_id("trial") == "0123"
    with pytest.raises(BadInput, match="cannot be written"):
        outbox.check()


def test_a_deleted_experiment_that_a_study_would_restore_is_told(
    local_record: Location, outbox: Outbox
) -> None:
    tracker = MlflowTracker(local_record.uri, local_record.artifact_root)
    assert not tracker.is_deleted("digits")
    experiment = tracker.create_experiment("digits")
    assert not tracker.is_deleted("digits")
    MlflowClient(local_record.uri).delete_experiment(experiment)
    writer = start_writer(outbox.path, local_record.uri, "digits", local_record.artifact_root)
    writer.wait_ready()
    writer.drain(5)
    assert writer.restores
