"""SIGTERM as systems send it, to a search on digits that is in its finals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

STUDY = {
    "name": "long",
    "normal_class": "0,1",
    "space": {"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}},
    "fixed": {"epochs": 1, "width": 2, "memory_units": 4, "memory_dim": 4},
    "budget": {"trials": 1},
    "scheduler": {"name": "none"},
    "resources": {"max_concurrent": 1},
    "final": {"seeds": 200},
}


def _memgan(home: Path, *arguments: str) -> subprocess.Popen[str]:
    main = "from search.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", main, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        start_new_session=True,
    )


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_sigterm_to_the_whole_group_in_the_finals_is_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    driver = _memgan(tmp_path, "search", "study.yaml")
    try:
        finals = tmp_path / "results" / "studies" / "long" / "finals"
        while not any(finals.glob("*/*-seed0")):
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.1)
        os.killpg(driver.pid, signal.SIGTERM)
        os.killpg(driver.pid, signal.SIGTERM)  # `timeout` sends it twice.
        _, err = driver.communicate(timeout=300)
    finally:
        if driver.poll() is None:
            driver.kill()

    assert driver.returncode == 130, err
    assert "go on with: " in err
    assert "memgan search --resume long" in err
    assert err.splitlines()[-1] == "memgan: interrupted"
    assert "Traceback" not in err
    # On a busy machine the last events may still wait where the writer left them.
    _, err = (sync := _memgan(tmp_path, "sync")).communicate(timeout=300)
    assert sync.returncode == 0, err
    with sqlite3.connect(tmp_path / "results" / "mlflow.db") as record:
        (status,) = record.execute("SELECT status FROM runs WHERE name = 'long'").fetchone()
    assert status == "KILLED"
