"""A benchmark's `--out` replaces its own figures, and no file of somebody else's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from memgan.errors import BadInput


@pytest.mark.parametrize(
    "command", [["label_free", "digits"], ["early_stopping", "digits"], ["scheduling"]]
)
def test_a_foreign_file_stays_as_it_was(
    command: list[str],
    tmp_path: Path,
    benchmark_module: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = tmp_path / "thesis.json"
    foreign.write_text('{"of": "the user"}')
    script, *arguments = command
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *arguments, "--out", str(foreign)])
    with pytest.raises(BadInput, match="memgan did not write it"):
        benchmark_module(script).main()
    assert foreign.read_text() == '{"of": "the user"}'
