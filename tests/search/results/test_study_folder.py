from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from memgan.errors import CannotLock, StudyError
from search.cli.app import app
from search.results.study_folder import StudyFolder, studies
from search.study.study import Study


@pytest.fixture
def study() -> Study:
    return Study.default().with_options(name="mine")


def test_a_study_is_read_as_it_was_written(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "new" / "results", "mine")
    folder.create(study)
    assert folder.load() == study
    assert len(folder.study_id) == 32
    assert [found.name for found in studies(folder.results)] == ["mine"]
    folder.replace(study.with_options(trials=99))
    assert folder.load().budget.trials == 99


def test_a_name_in_use_is_refused_with_the_way_to_go_on(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(study)
    with pytest.raises(StudyError, match="--resume mine"):
        folder.create(study)


def test_an_unwritable_results_folder_leaves_nothing_behind(study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot be written"):
        StudyFolder(tmp_path / "file" / "results", "mine").create(study)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_unknown_study_is_refused_with_those_there_are(study: Study, tmp_path: Path) -> None:
    StudyFolder(tmp_path, "mine").create(study)
    with pytest.raises(StudyError, match="there are: mine"):
        StudyFolder(tmp_path, "yours").load()


HOLD = """
import sys
from collections.abc import Callable
from pathlib import Path
from search.results.study_folder import StudyFolder
with StudyFolder(Path(sys.argv[1]), "mine").lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_driver_is_told_who_holds_the_study(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(study)
    assert folder.held_by() is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert f"process {holder.pid} " in str(folder.held_by())
        with pytest.raises(StudyError, match=f"process {holder.pid} "), folder.lock():
            pass
        holder.kill()
    assert folder.held_by() is None
    with folder.lock():
        pass


def test_time_is_counted_over_invocations(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(study)
    assert folder.seconds_used() == 0
    folder.use_seconds(12.5)
    assert StudyFolder(tmp_path, "mine").seconds_used() == 12.5


@pytest.fixture
def without_flock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """() -> from now on no file can be locked, as on Lustre mounted without flock."""

    def fail(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    return lambda: monkeypatch.setattr(fcntl, "flock", fail)


def test_no_study_begins_in_a_place_without_locks_and_nothing_is_left_of_it(
    study: Study, without_flock: Callable[[], None], tmp_path: Path
) -> None:
    without_flock()
    with pytest.raises(CannotLock, match="disk of this machine"):
        StudyFolder(tmp_path / "results", "mine").create(study)
    assert not any(tmp_path.iterdir())


def test_a_place_without_locks_is_not_taken_for_a_study_that_is_held(
    study: Study, without_flock: Callable[[], None], tmp_path: Path
) -> None:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(study)
    without_flock()
    with pytest.raises(CannotLock, match="cannot be locked"), folder.lock():
        pass
    with pytest.raises(CannotLock, match="cannot be locked"):
        folder.held_by()


def test_studies_in_a_place_without_locks_can_be_looked_at(
    study: Study, without_flock: Callable[[], None], tmp_path: Path
) -> None:
    StudyFolder(tmp_path, "mine").create(study)
    without_flock()
    shown = CliRunner().invoke(app, ["studies", "status", "mine", "--results", str(tmp_path)])
    assert shown.exit_code == 0
    assert "nobody can say whether it is running" in shown.stderr
