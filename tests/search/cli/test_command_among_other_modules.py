"""The command `memgan` runs ours, whatever a user's files in the working folder are called."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The command as an installer writes it, in a folder of its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, function = project["project"]["scripts"]["memgan"].split(":")
    path = tmp_path / "bin" / "memgan"
    path.parent.mkdir()
    path.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    return path


@pytest.mark.parametrize("entries", [["", str(ROOT)], [".", str(ROOT)], [str(ROOT), ""]])
@pytest.mark.parametrize("names", [["search.py", "tracking/__init__.py"], ["search/__init__.py"]])
def test_the_working_folder_on_the_path_hides_nothing_of_ours(
    script: Path, tmp_path: Path, names: list[str], entries: list[str]
) -> None:
    for name in names:
        theirs = tmp_path / "work" / name
        theirs.parent.mkdir(parents=True, exist_ok=True)
        theirs.write_text("raise SystemExit('my own script')\n")
    ended = subprocess.run(
        [sys.executable, script, "studies", "list"],
        cwd=tmp_path / "work",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entries)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (
        0,
        "no studies in results; `memgan search` begins one\n",
    ), ended.stderr


def test_the_folder_of_the_package_is_not_left_in_front_of_the_path(
    script: Path, tmp_path: Path
) -> None:
    watch = "import atexit, sys\nbefore = list(sys.path)\n"
    watch += "atexit.register(lambda: print(before == sys.path))\n"
    script.write_text(watch + script.read_text())
    ended = subprocess.run(
        [sys.executable, script, "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout.splitlines()[-1] == "True", ended.stderr
