"""A benchmark's `--out` replaces its own figures, and no file of somebody else's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    "command", [["label_free.py", "digits"], ["early_stopping.py", "digits"], ["scheduling.py"]]
)
def test_a_foreign_file_stays_as_it_was(command: list[str], tmp_path: Path) -> None:
    foreign = tmp_path / "thesis.json"
    foreign.write_text('{"of": "the user"}')
    script, *arguments = command
    ended = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments, "--out", foreign],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "memgan did not write it" in ended.stderr
    assert foreign.read_text() == '{"of": "the user"}'
