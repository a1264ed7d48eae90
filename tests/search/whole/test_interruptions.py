"""Ctrl-C that other code turns into a fault of its own is still Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

import search.cli.app
import search.workflow.stages
from search.cli.app import run
from search.stopping import current, stoppable

STUDY = {
    "name": "cut",
    "normal_class": "0",
    "detector": "pca",
    "space": {"components": [2, 4]},
    "budget": {"trials": 1},
}


class _Interrupting:
    """Python makes a RuntimeError of what this raises, up to 3.11."""

    def __set_name__(self, owner: type, name: str) -> None:
        raise KeyboardInterrupt


def within_a_class() -> None:
    type("_Made", (), {"member": _Interrupting()})


def within_an_import() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise ImportError("numpy.core.multiarray failed to import") from None


def within_a_group() -> None:
    raise BaseExceptionGroup("workers", [ValueError(), KeyboardInterrupt()])


def swallowed() -> None:
    with suppress(BaseException):
        os.kill(os.getpid(), signal.SIGINT)
    raise SystemError("returned a result with an exception set")


KINDS = pytest.mark.parametrize("interrupt", [within_a_class, within_an_import, within_a_group])


@pytest.mark.parametrize("interrupt", [within_a_class, within_an_import, within_a_group, swallowed])
def test_it_leaves_what_is_stoppable_as_ctrl_c(interrupt: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt), stoppable(), stoppable():
        interrupt()


def test_a_fault_stays_a_fault() -> None:
    with pytest.raises(ImportError), stoppable():
        raise ImportError("no module") from ValueError()
    assert not current().asked


@KINDS
def test_a_command_without_a_study_says_that_it_was_interrupted(
    interrupt: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def cut(arguments: list[str], **ignored: Any) -> None:
        interrupt()

    monkeypatch.setattr(search.cli.app, "app", cut)
    assert run(["score"]) == 130
    assert capsys.readouterr().err == "memgan: interrupted\n"


@pytest.fixture
def a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("search.ray.connection.standard_output_kept_clean", lambda: None)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    return lambda: run(["search", "study.yaml"])


@contextmanager
def _a_ray(*ignored: Any) -> Iterator[dict[str, float]]:
    yield {"CPU": 1.0}


def test_before_the_first_trial_it_leaves_nothing_behind(
    a_search: Callable[[], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def none(*ignored: Any) -> Iterator[None]:
        within_an_import()
        yield

    monkeypatch.setattr(search.workflow.stages, "connect", none)
    assert a_search() == 130
    lines = capsys.readouterr().err.splitlines()
    begun, said = [line for line in lines if not line.endswith(" …")]  # What is waited for.
    assert begun.startswith("nothing was begun")
    assert said == "memgan: interrupted"
    assert list(tmp_path.iterdir()) == [tmp_path / "study.yaml"]


def test_in_a_stage_it_is_killed_in_the_record_and_told_how_to_go_on(
    a_search: Callable[[], int],
    fresh_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def cut(*ignored: Any) -> None:
        within_a_class()

    monkeypatch.setattr(search.workflow.stages, "connect", _a_ray)
    monkeypatch.setattr(search.workflow.stages, "preflight", lambda f, a, ready, **more: ready())
    monkeypatch.setattr(search.workflow.stages, "_search", cut)
    (tmp_path / "results").mkdir()
    shutil.copy(fresh_store, tmp_path / "results" / "mlflow.db")
    assert a_search() == 130
    told = capsys.readouterr().err
    assert "go on with: memgan search --resume cut" in told
    assert told.splitlines()[-1] == "memgan: interrupted"
    with sqlite3.connect(tmp_path / "results" / "mlflow.db") as record:
        (status,) = record.execute("SELECT status FROM runs WHERE name = 'cut'").fetchone()
    assert status == "KILLED"
