"""One whole search through real Ray and real MLflow, with a Ctrl-C in it, that several modules look
at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from foreign import Foreign
from interrupted import Interrupted

from search.journal.journal import read_groups
from search.results.study_folder import StudyFolder

STUDY: dict[str, Any] = {
    "name": "tiny",
    "data": {"source": "digits"},
    "normal_class": "0,1",
    "space": {
        "learning_rate": {"low": 1e-3, "high": 2e-2, "log": True},
        "memory_units": [4, 8],
    },
    "fixed": {"epochs": 5, "batch_size": 16, "width": 2, "memory_dim": 4},
    "budget": {"trials": 4},
    "scheduler": {"name": "asha", "grace_epochs": 1, "reduction_factor": 2},
    "resources": {"checkpoint_epochs": 2},
    "final": {"seeds": 2},
}

TELLS_WAITS = """
import sys
from memgan.waiting import displayed_by
from search.cli import main

class Told:
    def show(self, wait):
        print("waits for:", wait.line, file=sys.stderr, flush=True)
    def close(self):
        pass

with displayed_by(Told()):
    main()
"""
"""Runs a command that tells on standard error, in the order it happens, what is waited for."""


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    """Around the search: files of somebody else's in the folder that it is given in, results lying
    in its `results`. They are there to the end."""
    found = Foreign(tmp_path_factory.mktemp("home"))
    (found.home / "study.yaml").write_text(yaml.safe_dump(STUDY))
    found.plant_beside("results/mlflow.db", "results/studies/tiny", "mine", "scores.csv")
    for name in ("thesis/report.json", "thesis/chapter1.tex", "labels.csv", "bundle/bundles/0/x"):
        found.plant(name)
    yield found
    found.check()


@pytest.fixture(scope="session")
def home(strangers: Foreign) -> Path:
    """The folder that the search is given in."""
    return strangers.home


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", TELLS_WAITS, *map(str, arguments)]


@pytest.fixture(scope="session")
def interrupted(home: Path, strangers: Foreign) -> Interrupted:
    """The search, begun and cut off as soon as a trial told an epoch."""
    journal = StudyFolder(home / "results", "tiny").journal
    driver = subprocess.Popen(
        command("search", "study.yaml", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        start_new_session=True,
    )
    try:
        while driver.poll() is None:
            if any(trial.epochs for trial in read_groups(journal).get("", [])):
                break
            time.sleep(0.05)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: to all of its processes
        out, err = driver.communicate(timeout=580)
    finally:
        if driver.poll() is None:
            driver.kill()
    assert driver.returncode == 130, err
    strangers.check()
    return Interrupted(json.loads(out), err, tuple(read_groups(journal)[""]))


@pytest.fixture(scope="session")
def searched(
    home: Path, strangers: Foreign, interrupted: Interrupted
) -> subprocess.CompletedProcess[str]:
    """The same search gone on with to its end, among still more files of somebody else's; with what
    was waited for on its standard error."""
    strangers.plant_everywhere()
    ended = subprocess.run(
        command(*interrupted.go_on[1:], "--json"),
        capture_output=True,
        text=True,
        timeout=580,
        cwd=home,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    strangers.check()
    return ended
