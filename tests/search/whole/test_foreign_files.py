"""Nothing of a user's own is deleted or changed, whatever command is given and however it ends.

Files of somebody else's lie beside and inside every place that memgan writes. One small search is
carried through everything that can be done with it, well, badly and until Ctrl-C; after each
command every one of those files is as it was, its content and its mode. How a study is interrupted
and goes on among them, the search itself has shown.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from foreign import Foreign

from memgan.config import Configuration
from memgan.config.typed import to_yaml
from search.cli.app import run
from search.results.study_files import everything_below, is_made

pytestmark = pytest.mark.timeout(1500)


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


def until_ctrl_c_here(seen: Callable[[], bool], *arguments: object) -> None:
    """The same of a command in this process, which has imported what a new one would."""
    over = threading.Event()

    def press() -> None:
        while not seen():
            if over.wait(0.01):
                return
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    try:
        code = run([str(argument) for argument in arguments])
    except KeyboardInterrupt:
        pytest.fail("Ctrl-C came when the command had ended")
    finally:
        over.set()
        presser.join()
    assert code == 130


@pytest.fixture(scope="module")
def foreign(
    searched: subprocess.CompletedProcess[str],
    strangers: Foreign,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Foreign]:
    """Around a copy of a search that came to its end."""
    strangers.check()
    home = tmp_path_factory.mktemp("copy") / "home"
    found = strangers.moved(shutil.copytree(strangers.home, home))
    yield found
    found.check()


def call(monkeypatch: pytest.MonkeyPatch, foreign: Foreign, code: int, *arguments: object) -> None:
    monkeypatch.chdir(foreign.home)
    assert run([str(argument) for argument in arguments]) == code
    foreign.check()


def test_every_file_of_a_study_has_a_name_that_is_known(foreign: Foreign) -> None:
    folder = foreign.home / "results" / "studies" / "tiny"
    names = [n for n in everything_below(folder)[0] if folder / n not in foreign.files]
    assert [n for n in names if not n.startswith("export/") and not is_made(n)] == []
    assert not any(path.stat().st_mode & 0o044 != 0o044 for path in map(folder.joinpath, names))


def test_an_export_leaves_them(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign.plant_everywhere()
    out = foreign.home / "mine"
    call(monkeypatch, foreign, 0, "export", "tiny")
    call(monkeypatch, foreign, 0, "export", "tiny", "--out", "mine")
    foreign.plant("mine/notes.md")
    foreign.plant("mine/figures/notes.md")
    call(monkeypatch, foreign, 0, "export", "tiny", "--out", "mine")
    call(monkeypatch, foreign, 2, "export", "tiny", "--out", "thesis")
    call(monkeypatch, foreign, 2, "export", "tiny", "--out", "labels.csv")
    foreign.plant("mine/best.yaml")
    call(monkeypatch, foreign, 2, "export", "tiny", "--out", "mine")
    del foreign.files[out / "best.yaml"]
    (out / "best.yaml").unlink()

    until_ctrl_c_here(lambda: any(out.glob(".export.*")), *("export", "tiny", "--out", "mine"))
    foreign.check()
    assert not any(out.glob(".export.*"))


def test_scores_and_trainings_leave_them(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    export = foreign.home / "results" / "studies" / "tiny" / "export"
    np.savez(foreign.home / "images.npz", x=np.zeros((4, 8, 8), dtype=np.uint8))
    score = ("score", export / "bundles" / "0", "images.npz", "--out")
    for _ in range(2):
        call(monkeypatch, foreign, 0, *score, "scores.csv")
    call(monkeypatch, foreign, 2, *score, "labels.csv")
    foreign.plant("trained/bundles/0/notes")
    foreign.plant("trained/.writable")
    configuration = Configuration(detector="pca", normal_class="0", runtime={"device": "cpu"})
    (foreign.home / "pca.yaml").write_text(to_yaml(configuration))
    for _ in range(2):
        call(monkeypatch, foreign, 0, "train", "pca.yaml", "--out", "trained")
    foreign.plant("bundle/bundles/0/card.md")
    call(monkeypatch, foreign, 2, "train", "pca.yaml", "--out", "bundle")
    until_ctrl_c(
        foreign.home,
        lambda: (foreign.home / "cut").exists(),
        *("train", "pca.yaml", "--out", "cut", "--seeds", 200),
    )
    foreign.check()


def test_a_scoring_that_is_interrupted_leaves_them(foreign: Foreign) -> None:
    foreign.plant_everywhere()
    bundle = foreign.home / "results" / "studies" / "tiny" / "export" / "bundles" / "0"
    np.savez(foreign.home / "many.npz", x=np.zeros((200_000, 8, 8), dtype=np.uint8))
    before = {path.name for path in foreign.home.iterdir()}
    until_ctrl_c(
        foreign.home,
        lambda: {path.name for path in foreign.home.iterdir()} > before,
        *("score", bundle, "many.npz", "--out", "cut.csv"),
    )
    foreign.check()
    assert {path.name for path in foreign.home.iterdir()} == before


def test_deleting_a_study_leaves_them(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign.plant_everywhere()
    folder = foreign.home / "results" / "studies" / "tiny"
    asked = start(foreign.home, "studies", "delete", "tiny")
    assert asked.stdout is not None
    while not asked.stdout.read(1):
        assert asked.poll() is None
    os.killpg(asked.pid, signal.SIGINT)
    asked.communicate(timeout=60)
    assert asked.returncode != 0
    foreign.check()
    assert (folder / "study.yaml").exists()

    call(monkeypatch, foreign, 0, "studies", "delete", "tiny", "--yes")
    assert {folder / name for name in everything_below(folder)[0]} <= foreign.files.keys()
