"""Nothing of a user's own is deleted or changed, whatever command is given and however it ends.

Files of somebody else's lie beside and inside every place that memgan writes. One small search is
carried through everything that can be done with it, well, badly and until Ctrl-C; after each
command every one of those files is as it was, its content and its mode.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml

from search.cli.app import run
from search.results.study_files import everything_below, is_made

pytestmark = pytest.mark.timeout(600)

STUDY = {
    "name": "mine",
    "data": {"source": "digits"},
    "normal_class": "0",
    "detector": "pca",
    "space": {"components": [2, 4, 8, 16]},
    "budget": {"trials": 2},
    "resources": {"max_concurrent": 1},
    "final": {"seeds": 1},
}
ENDINGS = (".bak", "-old", "_2019.csv", ".part~", "sheet.xlsx")


@dataclass
class Foreign:
    """Files of somebody else's."""

    home: Path
    files: dict[Path, tuple[bytes, int]] = field(default_factory=dict)

    def plant(self, name: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of the user: {name}")
        path.chmod(0o640)
        self.files[path] = path.read_bytes(), path.stat().st_mode

    def plant_everywhere(self) -> None:
        """In every folder that there is, and beside every file."""
        for folder in [path for path in self.home.rglob("*") if path.is_dir()]:
            if not any(parent in self.files for parent in folder.parents):
                self.plant(f"{(folder / 'my notes.txt').relative_to(self.home)}")

    def check(self) -> None:
        changed = [
            str(path.relative_to(self.home))
            for path, (content, mode) in self.files.items()
            if not path.is_file() or (path.read_bytes(), path.stat().st_mode) != (content, mode)
        ]
        assert changed == []


def start(home: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from search.cli import main; main()", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        start_new_session=True,
    )


def until_ctrl_c(home: Path, seen: Callable[[], bool], *arguments: object) -> None:
    """Give a command and interrupt it as soon as `seen`; it ends as one that was interrupted."""
    process = start(home, *arguments)
    try:
        while not seen():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=200)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 130, err


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    """Around a search that came to its end."""
    home = tmp_path_factory.mktemp("home")
    (home / "study.yaml").write_text(yaml.safe_dump(STUDY))
    found = Foreign(home)
    for ending in ENDINGS:
        for place in ("results/mlflow.db", "results/studies/mine", "mine", "scores.csv"):
            found.plant(f"{place}{ending}")
    for name in ("thesis/report.json", "thesis/chapter1.tex", "labels.csv", "bundle/bundles/0/x"):
        found.plant(name)
    searched = start(home, "search", "study.yaml")
    _, err = searched.communicate(timeout=400)
    assert searched.returncode == 0, err
    found.check()
    yield found
    found.check()


def call(monkeypatch: pytest.MonkeyPatch, foreign: Foreign, code: int, *arguments: object) -> None:
    monkeypatch.chdir(foreign.home)
    assert run([str(argument) for argument in arguments]) == code
    foreign.check()


def test_every_file_of_a_study_has_a_name_that_is_known(foreign: Foreign) -> None:
    folder = foreign.home / "results" / "studies" / "mine"
    names = [n for n in everything_below(folder)[0] if folder / n not in foreign.files]
    assert [n for n in names if not n.startswith("export/") and not is_made(n)] == []
    assert not any(path.stat().st_mode & 0o044 != 0o044 for path in map(folder.joinpath, names))


def test_an_export_leaves_them(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign.plant_everywhere()
    out = foreign.home / "mine"
    call(monkeypatch, foreign, 0, "export", "mine")
    call(monkeypatch, foreign, 0, "export", "mine", "--out", "mine")
    foreign.plant("mine/notes.md")
    foreign.plant("mine/figures/notes.md")
    call(monkeypatch, foreign, 0, "export", "mine", "--out", "mine")
    call(monkeypatch, foreign, 2, "export", "mine", "--out", "thesis")
    call(monkeypatch, foreign, 2, "export", "mine", "--out", "labels.csv")
    foreign.plant("mine/best.yaml")
    call(monkeypatch, foreign, 2, "export", "mine", "--out", "mine")
    del foreign.files[out / "best.yaml"]
    (out / "best.yaml").unlink()

    until_ctrl_c(
        foreign.home,
        lambda: any(out.glob(".export.*")),
        *("export", "mine", "--out", "mine"),
    )
    foreign.check()
    assert not any(out.glob(".export.*"))


def test_scores_and_trainings_leave_them(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    export = foreign.home / "results" / "studies" / "mine" / "export"
    np.savez(foreign.home / "images.npz", x=np.zeros((4, 8, 8), dtype=np.uint8))
    score = ("score", export / "bundles" / "0", "images.npz", "--out")
    for _ in range(2):
        call(monkeypatch, foreign, 0, *score, "scores.csv")
    call(monkeypatch, foreign, 2, *score, "labels.csv")
    foreign.plant("trained/bundles/0/notes")
    foreign.plant("trained/.writable")
    for _ in range(2):
        call(monkeypatch, foreign, 0, "train", export / "best.yaml", "--out", "trained")
    foreign.plant("bundle/bundles/0/card.md")
    call(monkeypatch, foreign, 2, "train", export / "best.yaml", "--out", "bundle")
    until_ctrl_c(
        foreign.home,
        lambda: (foreign.home / "cut").exists(),
        *("train", export / "best.yaml", "--out", "cut", "--seeds", 200),
    )
    foreign.check()


def test_a_scoring_that_is_interrupted_leaves_them(foreign: Foreign) -> None:
    foreign.plant_everywhere()
    bundle = foreign.home / "results" / "studies" / "mine" / "export" / "bundles" / "0"
    np.savez(foreign.home / "many.npz", x=np.zeros((200_000, 8, 8), dtype=np.uint8))
    before = {path.name for path in foreign.home.iterdir()}
    until_ctrl_c(
        foreign.home,
        lambda: {path.name for path in foreign.home.iterdir()} > before,
        *("score", bundle, "many.npz", "--out", "cut.csv"),
    )
    foreign.check()
    assert {path.name for path in foreign.home.iterdir()} == before


def test_going_on_with_a_study_leaves_them(foreign: Foreign) -> None:
    foreign.plant_everywhere()
    journal = foreign.home / "results" / "studies" / "mine" / "trials.journal"
    resume = ("search", "--resume", "mine", "--trials", 4)
    before = journal.stat().st_size
    until_ctrl_c(foreign.home, lambda: journal.stat().st_size > before, *resume)
    foreign.check()
    resumed = start(foreign.home, *resume)
    _, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    foreign.check()


def test_deleting_a_study_leaves_them(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign.plant_everywhere()
    folder = foreign.home / "results" / "studies" / "mine"
    asked = start(foreign.home, "studies", "delete", "mine")
    assert asked.stdout is not None
    while not asked.stdout.read(1):
        assert asked.poll() is None
    os.killpg(asked.pid, signal.SIGINT)
    asked.communicate(timeout=60)
    assert asked.returncode != 0
    foreign.check()
    assert (folder / "study.yaml").exists()

    call(monkeypatch, foreign, 0, "studies", "delete", "mine", "--yes")
    assert {folder / name for name in everything_below(folder)[0]} <= foreign.files.keys()
