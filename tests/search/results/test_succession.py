"""A study at an address whose driver's machine was lost a moment ago: two state folders, one
bucket."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from memgan.errors import StudyError
from search.results import mirror as module
from search.results import succession
from search.results.mirror import Mirror, mirror_of
from search.results.study_folder import StudyFolder
from search.results.succession import wait_for_a_lost_driver
from search.study.study import Study


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SETTLED", 0.01)
    monkeypatch.setattr(succession, "_LOOK_EVERY", 0.01)


@pytest.fixture
def address(bucket: str) -> str:
    return f"{bucket}/results"


@pytest.fixture
def lost(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The driver of a machine that was lost after its first round; this process is another one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "first"))
    folder = StudyFolder.at(address, "mine")
    mirror = mirror_of(folder)
    assert mirror is not None
    folder.create(Study.default().with_options(name="mine"))
    mirror._begin()
    mirror._copy_changed()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "second"))
    return mirror


def test_the_next_machine_waits_until_a_lost_driver_is_over(
    lost: Mirror, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    looked = 0

    def age(self: Mirror) -> float:
        nonlocal looked
        looked += 1
        return 20.0 * looked

    monkeypatch.setattr(Mirror, "_age", age)
    wait_for_a_lost_driver(StudyFolder.at(address, "mine"), said.append)

    assert looked >= 3
    assert len(said) == 1
    assert "was held by process" in said[0]
    folder = StudyFolder.at(address, "mine")
    theirs = mirror_of(folder)
    assert theirs is not None
    with theirs.session():
        assert folder.load().name == "mine"


@pytest.mark.timeout(120)
def test_a_driver_that_lives_is_not_waited_for(lost: Mirror, address: str) -> None:
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(0.2):
            lost._renew(ended=False)

    driver = threading.Thread(target=live)
    driver.start()
    try:
        wait_for_a_lost_driver(StudyFolder.at(address, "mine"), lambda line: None)
        mirror = mirror_of(StudyFolder.at(address, "mine"))
        assert mirror is not None
        with pytest.raises(StudyError, match="is held by process"):
            mirror.must_be_free()
    finally:
        ended.set()
        driver.join()


def test_nobody_is_waited_for_on_the_machine_of_the_last_driver_and_where_one_ended(
    lost: Mirror, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "first"))
    wait_for_a_lost_driver(StudyFolder.at(address, "mine"), said.append)
    wait_for_a_lost_driver(StudyFolder.at(address, "other"), said.append)
    wait_for_a_lost_driver(StudyFolder.at(tmp_path, "mine"), said.append)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "second"))
    lost._renew(ended=True)
    wait_for_a_lost_driver(StudyFolder.at(address, "mine"), said.append)

    assert said == []


def test_a_study_whose_driver_was_lost_in_its_first_round_begins_again(
    lost: Mirror, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are copied in order of their names, the study's own among the last."""
    lost._storage.remove("study.yaml")
    folder = StudyFolder.at(address, "mine")
    monkeypatch.setattr(module, "ALIVE", -1.0)

    mirror = mirror_of(folder)
    assert mirror is not None
    folder.create(Study.default().with_options(name="mine", seed=7))
    with mirror.session():
        pass

    assert json.loads(mirror._storage.read("session.json"))["ended"]
    assert b"seed: 7" in mirror._storage.read("study.yaml")
    assert mirror._storage.read("id").decode().strip() == folder.study_id
