"""Commands that are printed can be pasted, whatever a folder or a study is called."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memgan.errors import StudyError
from memgan.text import one_printable_line
from search.results.disk import out_of_space
from search.results.study_folder import StudyFolder
from search.study.study import Study
from tracking.address import (
    quoted,
    resolve,
    resume_command,
    study_command,
    sync_command,
    ui_command,
)

_NAME = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1)


def _pasted(command: str) -> list[str]:
    """The arguments that a shell makes of a command."""
    show = "import sys, os; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    script = f'memgan() {{ "$PYTHON" -c "$SHOW" "$@"; }}; {command}'
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PYTHON": "python3", "SHOW": show, "PYTHONUTF8": "1"},
        capture_output=True,
        check=True,
    )
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")]


@settings(max_examples=25, deadline=None)
@given(_NAME)
@example("my results")
@example("two  blanks")
@example("it's\n a 'line' \\x41\t$HOME `id`")
@example("猫 и кот")
def test_a_printed_word_is_the_word_again(word: str) -> None:
    printed = one_printable_line(f"go on with: memgan search {quoted(word)}", 10_000)

    assert _pasted(printed.removeprefix("go on with: ")) == ["search", word]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (resume_command("s", "my results"), ["search", "--resume", "s", "--results", "my results"]),
        (study_command("export", "s", "a&b"), ["export", "s", "--results", "a&b"]),
        (sync_command("s s", "r"), ["sync", "s s", "--results", "r"]),
        (ui_command("sqlite:////a b/m.db"), ["ui", "--tracking-uri", "sqlite:////a b/m.db"]),
        (resume_command("s"), ["search", "--resume", "s"]),
    ],
)
def test_commands_name_the_folder_that_they_are_about(command: str, words: list[str]) -> None:
    assert _pasted(command.removeprefix("uv run ")) == words


def test_hints_in_faults_are_whole_commands(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "my results", "mine")
    folder.create(Study.default().with_options(name="mine"))
    command = f"memgan search --resume mine --results '{folder.results}'"

    with pytest.raises(StudyError) as refused:
        folder.check_free()

    assert command in str(refused.value)
    assert command in out_of_space("full", "mine", folder.where)


@pytest.mark.parametrize(
    ("results", "expected"),
    [("results", "memgan ui"), ("my results", "memgan ui --results 'my results'")],
)
def test_the_ui_command_can_be_pasted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV", raising=False)
    assert ui_command(resolve(None, results).uri, results) == expected
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert ui_command(resolve(None, results).uri, results) == f"uv run {expected}"


def test_the_ui_command_names_another_store(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/a b/mlflow.db"
    assert shlex.split(ui_command(uri))[-2:] == ["--tracking-uri", uri]
    assert "s3cret" not in ui_command("http://ann:s3cret@host:5000")
