"""What a command costs is told of all its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

_BURNS_A_SECOND = """
import os, sys, time
if os.fork():
    while not os.path.exists("pid"):
        time.sleep(0.05)
    sys.exit()
os.setsid()
if os.fork():
    os._exit(0)
while time.process_time() < 1:
    pass
with open("part", "w") as file:
    file.write(str(os.getpid()))
os.rename("part", "pid")
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_that_left_its_parents_is_counted(
    benchmark_module: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _BURNS_A_SECOND]
    try:
        cost = benchmark_module("_processes").Cost(
            command,
            environment=dict(os.environ),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        )
    finally:
        if (tmp_path / "pid").exists():
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert cost.ended.returncode == 0
    assert cost.cpu_seconds > 0.5  # Time is read from the system in ticks: a little less is right.
