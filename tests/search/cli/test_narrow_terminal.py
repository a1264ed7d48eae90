"""Commands that print tables in a terminal of few columns: nothing is cut to nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from search.cli.app import app, run
from search.results.study_folder import StudyFolder
from search.study.study import Study

NAME = "digits-with-a-name-of-its-own"
WIDTHS = [20, 30, 40]


@pytest.fixture
def results(
    tmp_path: Path,
    make_study: Callable[..., Study],
    fill: Callable[[Path, Study, Sequence[str]], None],
) -> Path:
    study = make_study().with_options(name=NAME)
    folder = StudyFolder(tmp_path, NAME)
    folder.create(study)
    fill(folder.journal, study, ["3", "5"])
    return tmp_path


def _printed(monkeypatch: pytest.MonkeyPatch, width: int, *command: str) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    found = CliRunner().invoke(app, [*command])
    assert found.exit_code == 0, found.output
    assert "…" not in found.output
    return found.output


@pytest.mark.parametrize("width", WIDTHS)
def test_a_list_of_studies_has_their_names_and_states(
    results: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    text = _printed(monkeypatch, width, "studies", "list", "--results", str(results))
    assert NAME in text
    assert "stopped" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_status_has_every_trial_and_its_figure(
    results: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    text = _printed(monkeypatch, width, "studies", "status", NAME, "--results", str(results))
    assert all(f"{trial:04d}" in text for trial in range(12))
    assert f"{NAME}: stopped" in text
    assert len(re.findall(r"\b[89]\d\.\d\d\b", text.split("12 of 12")[0])) == 9
    assert NAME in "".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_data_check_has_every_class_and_its_images(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    text = _printed(monkeypatch, width, "data", "check", "digits")
    lines = text.splitlines()
    for digit in map(str, range(10)):
        assert any(line.split("│")[1:2] == [f" {digit}     "] or line == digit for line in lines)
    assert "train" in text


def test_a_file_has_every_column_of_a_list(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    text = CliRunner().invoke(app, ["studies", "status", NAME, "--results", str(results)]).output
    assert re.search(r"learning_rate.encoder .*, memory_units .*, encoder_game", text)
    assert "loss of <b>3</b> is nan; lower the rate" in text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", [["search"], ["score"], ["studies", "list"], ["data", "check"]])
def test_help_names_every_option_whole(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    width: int,
) -> None:
    def options() -> set[str]:
        assert run([*command, "--help"]) == 0
        return set(re.findall(r"--[a-z-]+", capsys.readouterr().out))

    monkeypatch.setenv("COLUMNS", "200")
    wide = options()
    monkeypatch.setenv("COLUMNS", str(width))
    assert options() == wide
