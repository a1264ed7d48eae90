"""A study is opened and closed by one context, whatever happens between."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from memgan.errors import OutOfSpace
from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow.preparation import prepare
from search.workflow.session import Ready, Session, open_study, restored_line
from tracking.address import resolve


@pytest.fixture
def ready(make_study: Callable[..., Study], fresh_store: Path, tmp_path: Path) -> Ready:
    shutil.copy(fresh_store, tmp_path / "mlflow.db")
    study, split, groups = prepare(make_study(normal_class=["3"]), download=False)
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    return Ready(
        study=study,
        split=split,
        groups=groups,
        folder=folder,
        mirror=None,
        location=resolve(None, tmp_path),
        experiment=study.name,
        note=lambda line: None,
    )


def _begin(session: Session) -> None:
    session.begun = True
    session.record.study_started({"trials": 1})
    session.until_closed.callback(lambda: _held(session.ready))


def _held(ready: Ready) -> None:
    assert ready.folder.held_by(), "contexts of the session end before the lock is released"


def _statuses(ready: Ready, tmp_path: Path) -> list[str]:
    assert ready.folder.held_by() is None
    with sqlite3.connect(tmp_path / "mlflow.db") as record:
        return [status for (status,) in record.execute("SELECT status FROM runs")]


def _search_on_a_full_disk(session: Session) -> None:
    _begin(session)
    raise OSError(28, "no space left on device")


def test_a_fault_closes_the_study_as_failed(ready: Ready, tmp_path: Path) -> None:
    full = pytest.raises(OutOfSpace, match="no space left on device")
    with full, open_study(ready) as session:
        _search_on_a_full_disk(session)
    assert not session.interrupted
    assert session.remainder.waiting == 0
    assert _statuses(ready, tmp_path) == ["FAILED"]


def test_a_wish_to_stop_closes_the_study_and_is_no_fault(ready: Ready, tmp_path: Path) -> None:
    with open_study(ready) as session:
        _begin(session)
        raise KeyboardInterrupt
    assert session.interrupted
    assert _statuses(ready, tmp_path) == ["KILLED"]


def test_a_wish_to_stop_before_anything_began_goes_on_its_way(ready: Ready, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_study(ready):
        raise ValueError("what an import made of it") from KeyboardInterrupt()
    assert ready.folder.held_by() is None


def test_an_experiment_that_was_deleted_is_told_with_the_way_out() -> None:
    line = restored_line("/Shared/digits")
    assert "deleted experiment /Shared/digits" in line
    assert "--experiment" in line
