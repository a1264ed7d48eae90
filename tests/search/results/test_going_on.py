"""The command that goes on tells no secret."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from search.results.going_on import GoingOn

_HOOK = "https://hooks.example.com/services/s3cret"


@pytest.mark.parametrize("given", [["--notify", _HOOK], [f"--notify={_HOOK}"]])
@pytest.mark.parametrize("repeat", [True, False])
def test_the_same_command_is_shown_without_the_webhook(
    given: list[str], repeat: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["memgan", "search", *given, "--trials", "3"])
    line = GoingOn(tmp_path, repeat=repeat).line()
    assert line is not None
    assert line.endswith("memgan search --trials 3")
    assert "s3cret" not in line
    assert "set MEMGAN_NOTIFY" in line


def test_a_command_that_notifies_nobody_is_shown_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["memgan", "search", "--trials", "3"])
    line = GoingOn(tmp_path, repeat=True).line()
    assert line is not None
    assert line.startswith("go on with the same command: ")
    assert "MEMGAN_NOTIFY" not in line
