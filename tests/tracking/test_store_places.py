"""A local record in places that cannot be locked or written."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

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
