"""The walk through four journeys types what README and tutorial tell a user to type."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
_NOT_WALKED = {"memgan --version", "memgan ui"}


@pytest.fixture(scope="module")
def walk() -> ModuleType:
    spec = importlib.util.spec_from_file_location("walk", ROOT / "examples/journeys/walk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Typed:
    """A terminal in which every command ends as it should."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone = folder, ROOT
        self.commands: list[str] = []
        for made in ("made/coin/train/good", "made/coin/test/scratch", "maps"):
            (folder / made).mkdir(parents=True)
        (folder / "maps" / "0.png").touch()

    def run(self, name: str, command: str, **how: object) -> str:
        self.commands.append(command)
        return ""

    def start(self, command: str) -> None:
        self.commands.append(command)

    def ended(self, name: str, **how: object) -> str:
        return ""

    until = keep = interrupt = lambda self, *what: None


def commands_of(page: str, heading: str = "") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    if heading:
        text = text.partition(heading)[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.partition("&& ")[2] or line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("uv run ") for line in lines]


def test_the_walk_types_the_commands_of_readme_and_tutorial(
    walk: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "_write_digit", lambda path: None)
    typed = Typed(tmp_path)
    for journey in (walk.laptop, walk.photographs):
        journey(typed, lambda address, name: None)
    walked = {command.removeprefix("time ") for command in typed.commands}

    told = commands_of("README.md", "## Three commands\n") + commands_of("docs/tutorial/digits.md")

    assert len(told) > 10
    assert set(told) - walked == _NOT_WALKED


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_a_terminal_keeps_what_it_shows_and_minds_how_a_command_ends(
    walk: ModuleType, tmp_path: Path
) -> None:
    terminal = walk.Terminal(ROOT, tmp_path / "home", tmp_path / "kept")
    try:
        assert "one two" in terminal.run("echo", "echo one two")
        with pytest.raises(walk.WalkEnded, match="exit code 1, and not 0"):
            terminal.run("fails", "false")
    finally:
        terminal.close()
    assert "one two" in (tmp_path / "kept" / "01-echo.txt").read_text()
