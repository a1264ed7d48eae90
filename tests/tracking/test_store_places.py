"""A local record in places that cannot be locked or written."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils

from tracking.location import Location, resolve
from tracking.mlflow_tracker import MlflowTracker
from tracking.tracker import Unavailable


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
