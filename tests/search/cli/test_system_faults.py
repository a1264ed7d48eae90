"""What the system refuses ends a command with one line, whatever the command is."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import search.cli.app
from search.cli.app import run
from search.cli.system_faults import in_a_line
from search.results.study_folder import StudyFolder
from search.study.study import Study

MEMGAN = f"{sys.executable} -c 'from search.cli import main; main()'"


def shell(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A command of a shell's, with MEMGAN for memgan."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("MEMGAN", MEMGAN)],
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    ["MEMGAN --version >/dev/full", "MEMGAN data list >/dev/full"],
)
def test_an_output_that_is_full_is_one_line(command: str, tmp_path: Path) -> None:
    ended = shell(command, tmp_path)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "standard output: No space left on device; make room" in line


def test_a_pipe_that_nobody_reads_any_more_is_no_fault_to_tell(tmp_path: Path) -> None:
    ended = shell("(sleep 2; MEMGAN data list) | true", tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_fault(closed: str, tmp_path: Path) -> None:
    ended = shell(f"MEMGAN data list --json {closed}", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    script = (
        "from search.cli.system_faults import open_missing_streams; open_missing_streams();"
        "open('mine', 'w').fileno() > 2 or exit(1); print('said')"
    )
    ended = shell(f'{sys.executable} -c "{script}" <&- >&- 2>&-', tmp_path)
    assert ended.returncode == 0
    assert (tmp_path / "mine").read_text() == ""


def test_a_question_that_nobody_answers_names_what_to_do(tmp_path: Path) -> None:
    mine = Study(name="mine", space={"learning_rate": {"low": 1e-4, "high": 1e-2}})
    StudyFolder.at(tmp_path / "results", "mine").create(mine)
    ended = shell("MEMGAN studies delete mine <&-", tmp_path)
    assert ended.returncode == 2
    assert "give the option that answers it" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "results" / "studies" / "mine" / "study.yaml").exists()


FAULTS = {
    "mounted to be written": OSError(errno.EROFS, "Read-only file system", "/mnt/x"),
    "make room": OSError(errno.ENOSPC, "No space left on device", "/mnt/x"),
    "ulimit -n": OSError(errno.EMFILE, "Too many open files", "/mnt/x"),
    "ask for the right": PermissionError(errno.EACCES, "Permission denied", "/mnt/x"),
    "links lead in a circle": OSError(errno.ELOOP, "Too many levels", "/mnt/x"),
    "shorter name": OSError(errno.ENAMETOOLONG, "File name too long", "/mnt/x"),
    "nobody answers": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "give another address": socket.gaierror(-2, "Name or service not known"),
    "not enough memory": MemoryError(),
    "attempt to write a readonly": sqlite3.OperationalError("attempt to write a readonly database"),
    "open files": RuntimeError("cannot start: Too many open files"),
}


@pytest.mark.parametrize("hint", FAULTS)
@pytest.mark.parametrize("wrapped", [False, True])
def test_every_command_translates_it(
    hint: str, wrapped: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*ignored: Any, **also: Any) -> None:
        if wrapped:
            raise ValueError("a library's own") from FAULTS[hint]
        raise FAULTS[hint]

    monkeypatch.setattr(search.cli.app, "app", refused)
    assert run(["anything"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert hint in line


def test_a_fault_of_ours_is_not_taken_for_the_systems() -> None:
    assert in_a_line(TypeError("unsupported operand")) is None
    assert in_a_line(RuntimeError("shape mismatch")) is None


def test_a_password_in_an_address_is_not_told() -> None:
    told = in_a_line(ConnectionError("http://me:secret@there refused"))
    assert told is not None
    assert "secret" not in told
    assert os.linesep not in told
