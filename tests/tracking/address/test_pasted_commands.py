"""Commands that are printed can be pasted, whatever a folder or a study is called."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memgan.errors import BadInput, StudyError
from memgan.text import one_printable_line
from search.journal.journal_file import open_to_read
from search.journal.mending import check_journal
from search.journal.outcomes import TrialsResult
from search.report import read_conclusion
from search.results.beginning import check_same_made_anomalies
from search.results.disk import out_of_space
from search.results.going_on import driving_options
from search.results.study_folder import StudyFolder
from search.study.study import Study
from search.workflow.ending import no_winner
from tracking.address import (
    Location,
    quoted,
    resolve,
    resume_command,
    search_command,
    study_command,
    sync_command,
    ui_command,
)
from tracking.cli.ui_server import server_command
from tracking.comparison.comparison import compare
from tracking.comparison.reader import StudyFigures, open_store, read_study
from tracking.testing import MemoryTracker

ROOT = Path(__file__).resolve().parents[3]
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
    assert command in out_of_space("full", folder.go_on_command())


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


def test_a_folder_that_is_driven_elsewhere_says_so_in_every_command() -> None:
    options = driving_options("r", "http://ann:secret@h:1", "10.0.0.5:6379")
    words = _pasted(StudyFolder.at("r", "mine", options).go_on_command().removeprefix("uv run "))

    assert words[:3] == ["search", "--resume", "mine"]
    assert words[3:5] == ["--results", "r"]
    assert words[5:7] == ["--tracking-uri", "http://***@h:1"]
    assert words[7:] == ["--address", "10.0.0.5:6379"]


def test_an_address_that_is_found_anyway_is_not_repeated(tmp_path: Path) -> None:
    own = f"sqlite:///{tmp_path / 'r' / 'mlflow.db'}"

    assert driving_options(tmp_path / "r", own, None) == ()
    assert driving_options("s3://bucket/r", own, None) == ("--tracking-uri", own)


def test_the_default_results_need_no_option_however_they_are_written() -> None:
    assert resume_command("s", Path("results").absolute()) == resume_command("s")
    assert "--results" in resume_command("s", "s3://bucket/results")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sqlite:////a b/mlflow.db", ["search", "--results", "/a b"]),
        (f"sqlite:///{Path('results').absolute()}/mlflow.db", ["search"]),
        ("sqlite:////a/other.db", ["search", "--tracking-uri", "sqlite:////a/other.db"]),
    ],
)
def test_a_record_that_is_not_there_is_made_by_a_whole_command(uri: str, words: list[str]) -> None:
    assert _pasted(search_command(uri).removeprefix("uv run ")) == words
    with pytest.raises(BadInput) as refused:
        open_store(Location(uri=uri))

    assert search_command(uri) in str(refused.value)
    with pytest.raises(BadInput) as refused:
        server_command(Location(uri=uri), 5000)

    assert search_command(uri) in str(refused.value)


def test_a_comparison_names_the_folder_of_the_study() -> None:
    tracker = MemoryTracker()
    tracker.create_experiment("mine")
    command = "`memgan search --resume mine --results 'my results'`"

    with pytest.raises(StudyError) as refused:
        read_study(tracker, "mine", "my results")
    older = StudyFigures("mine", "a1", "digits", "pca", "shared", "", {"0": {0: 0.9, 1: 0.9}})
    other = StudyFigures("other", "a2", "digits", "pca", "shared", "", {"0": {0: 0.9, 1: 0.9}})
    warned = "\n".join(compare([older, other], results="my results").warnings)

    assert command in str(refused.value)
    assert "`memgan sync mine --results 'my results'`" in str(refused.value)
    assert command in warned


def test_a_study_without_finals_or_journal_or_winner_names_its_folder(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "my results", "mine", None, ("--address", "h:1"))
    study = Study.default().with_options(name="mine", trials=4, time_budget="30m")
    folder.create(study)
    plain = f"memgan search --resume mine --results '{folder.results}'"
    command = f"{plain} --address h:1"
    (folder.path / "conclusion.json").write_text("{")
    with pytest.raises(StudyError) as refused:
        read_conclusion(folder)
    assert f"{command} writes it again" in str(refused.value)

    folder.journal.write_text("{}\n")
    with pytest.raises(StudyError) as refused:
        open_to_read(folder.journal)
    assert f"{plain} --mend-journal" in str(refused.value)
    with pytest.raises(StudyError) as refused:
        check_journal(folder)
    assert f"{command} --mend-journal" in str(refused.value)

    nothing, late = TrialsResult(()), TrialsResult((), timed_out=True)
    assert f"{command} --trials 8" in no_winner(study, "all", nothing, folder.go_on_command)
    assert f"{command} --time-budget 3600s" in no_winner(study, "all", late, folder.go_on_command)
    with pytest.raises(StudyError) as refused:
        check_same_made_anomalies("mine", None, "label-free", folder.where)
    assert f"`memgan export mine --results '{folder.results}'`" in str(refused.value)


def test_no_message_writes_a_command_by_hand() -> None:
    """Such a command would know nothing of the results folder, of quoting and of `uv run`."""
    found = []
    for package in ("memgan", "tracking", "search"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            declared = _declarations(tree)
            found += [
                f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in declared
                and _BY_HAND.search(node.value)
            ]
    assert found == []


_BY_HAND = re.compile(
    r"--resume(?! NAME|-or-start)|memgan (search|sync|export|ui|studies|compare) (?=[-<{A-Z]|$)"
)


def _declarations(tree: ast.AST) -> set[int]:
    """The ids of strings that no user is told as a hint: docstrings, and what declares options."""
    ours = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            ours.add(id(node.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in ("Option", "Argument", "shell_command", "Typer"):
                ours |= {id(inner) for inner in ast.walk(node) if isinstance(inner, ast.Constant)}
    return ours
