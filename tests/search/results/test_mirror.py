"""A study at an address, from two machines: two state folders, one bucket."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from memgan.errors import StudyError
from search.cli.app import app
from search.results import mirror as module
from search.results.looking import mirror_holder, studies_at, to_look_at
from search.results.mirror import Mirror, mirror_of
from search.results.storage import Storage
from search.results.study_folder import StudyFolder
from search.study.study import Study
from tracking import Outbox
from tracking.events import RunStarted


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SETTLED", 0.01)
    monkeypatch.setattr(module, "EVERY", 0.1)


class Machine:
    """One of the machines: `use` makes this process be it."""

    def __init__(self, home: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home, self._address, self._patch = home, address, monkeypatch

    def use(self) -> tuple[StudyFolder, Mirror]:
        folder = self.folder()
        found = mirror_of(folder)
        assert found is not None
        return folder, found

    def folder(self) -> StudyFolder:
        self._patch.setenv("XDG_STATE_HOME", str(self._home))
        return StudyFolder.at(self._address, "mine")


@pytest.fixture
def address(bucket: str) -> str:
    return f"{bucket}/results"


@pytest.fixture
def first(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "first", address, monkeypatch)


@pytest.fixture
def second(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "second", address, monkeypatch)


def _begin(machine: Machine) -> tuple[StudyFolder, Mirror]:
    folder, mirror = machine.use()
    folder.create(Study.default().with_options(name="mine"))
    return folder, mirror


def test_another_machine_goes_on_with_what_one_left(
    first: Machine, second: Machine, address: str
) -> None:
    folder, mirror = _begin(first)
    Outbox(folder.outbox).check()
    with sqlite3.connect(folder.outbox) as open_beside, mirror.session():
        open_beside.execute("INSERT INTO facts VALUES ('still', 'in the log')")
        open_beside.commit()
        (folder.finals / "0001" / "0-seed0").mkdir(parents=True)
        (folder.finals / "0001" / "0-seed0" / "figures.json").write_text("{}")
        folder.journal.write_text("one\n")
    folder.checkpoints.write("all-001/0000/checkpoint/training.pt", b"weights")
    assert mirror.why_behind() is None

    elsewhere, theirs = second.use()
    assert elsewhere.path != folder.path
    assert elsewhere.load() == folder.load()
    assert elsewhere.study_id == folder.study_id
    assert elsewhere.journal.read_text() == "one\n"
    assert Outbox(elsewhere.outbox).fact("still") == "in the log"
    assert (elsewhere.finals / "0001" / "0-seed0" / "figures.json").exists()
    assert not elsewhere.tune.exists()
    with theirs.session():
        elsewhere.journal.write_text("one\ntwo\n")

    again, _ = first.use()
    assert again.journal.read_text() == "one\ntwo\n"
    assert [found.name for found in studies_at(address)] == ["mine"]


def test_what_this_machine_alone_has_is_not_overwritten(first: Machine) -> None:
    """A driver killed between two rounds left more here than at the address."""
    folder, mirror = _begin(first)
    with mirror.session():
        folder.journal.write_text("one\n")
    folder.journal.write_text("one\nnot copied\n")

    again, _ = first.use()
    assert again.journal.read_text() == "one\nnot copied\n"


def test_a_second_driver_is_told_who_holds_the_study(first: Machine, second: Machine) -> None:
    folder, mirror = _begin(first)
    with mirror.session():
        assert "process" in str(mirror_holder(folder))
        assert to_look_at(second.folder()).load().name == "mine"
        _, theirs = second.use()
        with pytest.raises(StudyError, match="is held by process"), theirs.session():
            pass
    assert mirror_holder(folder) is None
    folder, mirror = second.use()
    with mirror.session():
        pass


def test_a_driver_that_died_is_succeeded(
    first: Machine, second: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, mirror = _begin(first)
    mirror._begin()
    mirror._copy_changed()  # And no more: as SIGKILL leaves it.
    _, ours = first.use()
    ours.must_be_free()  # On its own machine the local lock has told already.

    _, theirs = second.use()
    with pytest.raises(StudyError, match="after it died"):
        theirs.must_be_free()
    monkeypatch.setattr(module, "ALIVE", -1.0)
    with theirs.session():
        pass
    mirror._round(ended=False)
    assert mirror.lost
    assert "taken over" in str(mirror.why_behind())


def test_a_study_that_moved_between_reading_and_driving_is_refused(
    first: Machine, second: Machine
) -> None:
    _, mirror = _begin(first)
    with mirror.session():
        pass
    _, theirs = second.use()
    _, ours = first.use()
    with theirs.session():
        pass
    with pytest.raises(StudyError, match="driven elsewhere"), ours.session():
        pass


def test_a_bucket_that_is_not_there_is_one_line(bucket: str) -> None:
    folder = StudyFolder.at(f"{bucket}-not/results", "mine")
    with pytest.raises(StudyError, match=r"cannot be reached.*bucket exists"):
        mirror_of(folder)


def test_an_address_that_fails_meanwhile_is_told_and_costs_nothing(
    first: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No round meanwhile: it would write into the bucket while that is being deleted.
    monkeypatch.setattr(module, "EVERY", 3600.0)
    folder, mirror = _begin(first)
    with mirror.session():
        folder.journal.write_text("one\n")
        import boto3

        client = boto3.client("s3")
        name = str(folder.address).split("/")[2]
        for entry in client.list_objects_v2(Bucket=name)["Contents"]:
            client.delete_object(Bucket=name, Key=entry["Key"])
        client.delete_bucket(Bucket=name)
    assert "resume on this machine" in str(mirror.why_behind())
    assert folder.journal.read_text() == "one\n"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_search_killed_on_one_machine_ends_on_another(address: str, tmp_path: Path) -> None:
    def start(machine: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from search.cli import main; main()", "search", *arguments,
             "--results", address, "--tracking-uri", f"sqlite:///{tmp_path}/record.db", "--json"],
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / machine)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        )  # fmt: skip

    small = ["--trials", "4", "--epochs", "20", "--normal-class", "0,1", "--final-seeds", "1"]
    often = ["--set", "resources.checkpoint_epochs=2", "--scheduler", "none"]
    checkpoints = Storage.at(address) / "studies/mine/tune"
    first = start("first", "--name", "mine", *small, *often)
    while not any("checkpoint_000001/" in name for name in checkpoints.files()):
        assert first.poll() is None, first.communicate()
        time.sleep(0.5)
    time.sleep(7)  # A round of copying, of five seconds.
    first.kill()
    first.communicate()

    refused = start("second", "--resume", "mine")
    _, err = refused.communicate(timeout=120)
    assert refused.returncode == 2, err
    assert f"is held by process {first.pid} " in err
    time.sleep(60)
    second = start("second", "--resume", "mine")
    out, err = second.communicate(timeout=400)
    assert second.returncode == 0, err
    document = json.loads(out)
    assert document["results"] == address
    assert document["trials"] == {"finished": 4, "stopped": 0, "failed": 0, "unfinished": 0}
    assert (Storage.at(address) / "studies/mine/export").read("best.yaml")
    assert sum("training.pt" in name for name in checkpoints.files()) == 3


def test_who_deletes_from_another_machine_is_told_what_was_never_delivered(
    first: Machine, second: Machine, address: str
) -> None:
    folder, mirror = _begin(first)
    with mirror.session():
        Outbox(folder.outbox).append([RunStarted(run_key="a", name="a")])
    to_look_at(second.folder())

    command = ["studies", "delete", "mine", "--results", address]
    said = CliRunner().invoke(app, command, input="n\n").output

    assert "1 events of its record never reached the tracking store" in said
    assert f"memgan sync mine --results {address}" in said
    assert "for good?" in said


def _left_by_another_machine(first: Machine, second: Machine) -> StudyFolder:
    """The second machine's part of a study that the first one drove, fetched once."""
    folder, mirror = _begin(first)
    with mirror.session():
        folder.journal.write_text("one\n")
    taken_over, _ = second.use()
    return taken_over


def test_nothing_that_a_driver_holds_is_touched_before_its_session_begins(
    first: Machine, second: Machine, address: str
) -> None:
    """As while Ray starts, when another terminal asks for the study."""
    folder = _left_by_another_machine(first, second)
    with folder.lock():
        folder.journal.write_text("the driver's own\n")
        before = {path.name: path.stat().st_ino for path in folder.path.iterdir()}

        assert to_look_at(second.folder()).journal.read_text() == "one\n"
        assert [found.name for found in studies_at(address)] == ["mine"]
        assert "process" in str(mirror_holder(second.folder()))
        second.use()

        assert {path.name: path.stat().st_ino for path in folder.path.iterdir()} == before
        assert folder.journal.read_text() == "the driver's own\n"
        with pytest.raises(StudyError, match="is held by process"), second.folder().lock():
            pass


def test_fetching_leaves_the_lock_and_what_others_put_there(
    first: Machine, second: Machine
) -> None:
    folder = _left_by_another_machine(first, second)
    lock = (folder.path / "lock").stat().st_ino
    (folder.path / "notes.txt").write_text("of the user's own")
    (folder.path / "outbox.db-wal").write_bytes(b"of an older file")

    ours, _ = second.use()

    assert (ours.path / "lock").stat().st_ino == lock
    assert (ours.path / "notes.txt").read_text() == "of the user's own"
    assert not (ours.path / "outbox.db-wal").exists()


def test_a_part_whose_record_is_being_delivered_is_not_replaced(
    first: Machine, second: Machine
) -> None:
    folder = _left_by_another_machine(first, second)
    with (folder.path / "outbox.db.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StudyError, match="is being delivered"):
            second.use()


def test_of_a_study_that_had_the_name_before_nothing_is_left(
    first: Machine, second: Machine
) -> None:
    folder = _left_by_another_machine(first, second)
    (folder.path / "conclusion.json").write_text("{}")
    (folder.path / "notes.txt").write_text("of the user's own")
    (folder.path / "id").write_text("another\n")

    ours, _ = second.use()

    assert not (ours.path / "conclusion.json").exists()
    assert (ours.path / "notes.txt").exists()
    assert ours.study_id != "another"


def test_files_of_somebody_elses_stay_on_both_machines_and_at_the_address(
    first: Machine, second: Machine, address: str
) -> None:
    folder, mirror = _begin(first)
    with mirror.session():
        folder.journal.write_text("one\n")
    there = Storage.at(address) / "studies/mine"
    there.write("notes", b"theirs")
    there.write("tune/001/notes", b"theirs")
    (folder.path / "local notes").write_text("theirs")

    elsewhere, theirs = second.use()
    with theirs.session():
        elsewhere.journal.write_text("one\ntwo\n")
    folder, _ = first.use()
    assert folder.journal.read_text() == "one\ntwo\n"
    assert (folder.path / "local notes").read_text() == "theirs"

    command = ["studies", "delete", "mine", "--yes", "--results", address]
    ended = CliRunner().invoke(app, command)
    assert ended.exit_code == 0, ended.output
    assert there.files() == ["notes", "tune/001/notes"]
    assert [path.name for path in folder.path.iterdir()] == ["local notes"]
