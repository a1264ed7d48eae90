"""A user's own modules that bear our packages' names, beside a notebook or a script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]


def _python(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """As a notebook does it: the working folder comes first, our packages later."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(HOME)!r}); {program}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    (tmp_path / "tracking").mkdir()
    (tmp_path / "tracking" / "__init__.py").touch()
    (tmp_path / "memgan.py").write_text("print('my own')\n")
    return tmp_path


def test_packages_beside_ours_are_ours(theirs: Path) -> None:
    program = "from search import run, Study; import memgan, tracking; print(tracking.__file__)"
    ended = _python(theirs, program)
    assert ended.stdout.strip() == str(HOME / "tracking" / "__init__.py"), ended.stderr


def test_a_module_that_is_loaded_already_is_named(theirs: Path) -> None:
    ended = _python(theirs, "import tracking, search")
    line = ended.stderr.splitlines()[-1]
    assert line.startswith("ImportError: another module named tracking is loaded already")
    assert str(theirs) in line
