"""The script for a GPU runs to its end whatever its parts do, and without a GPU too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "gpu.sh"
PARTS = [
    *("doctor", "training_step", "table1", "packing", "at_once", "search_digits", "gpu_tests"),
    *("at_once_mps", "table1_in_turn", "search_mnist", "precision"),
]
WITHOUT_A_GPU = {"at_once_mps", "search_mnist"}


def test_the_script_for_a_gpu_is_a_script() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], capture_output=True, check=False).returncode == 0
    assert os.access(SCRIPT, os.X_OK)


def run_with_a_python_that(does: str, tmp_path: Path, **more: str) -> tuple[int, dict[str, str]]:
    """The script's status and how each part ended, where Python does as told in every part."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in\n  *is_available*) echo cpu ;;\n'
        f'  *_gpu_summary*) exec {sys.executable} "$@" ;;\n  *) {does} ;;\nesac\n'
    )
    python.chmod(0o755)
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHON": str(python), "OUT": str(out), **more}
    ended = subprocess.run([SCRIPT], env=environment, check=False, capture_output=True)
    parts: list[dict[str, Any]] = json.loads((out / "summary.json").read_text())["parts"]
    return ended.returncode, {part["part"]: part["ended"] for part in parts}


def test_parts_that_fail_stop_no_other_and_the_script_says_so(tmp_path: Path) -> None:
    status, ended = run_with_a_python_that("exit 3", tmp_path)
    assert list(ended) == PARTS
    assert {name for name, how in ended.items() if how == "skipped"} == WITHOUT_A_GPU
    assert {how for name, how in ended.items() if name not in WITHOUT_A_GPU} == {"rc 3"}
    assert status == 1


def test_parts_for_which_no_time_is_left_are_skipped(tmp_path: Path) -> None:
    status, ended = run_with_a_python_that("exit 3", tmp_path, MEMGAN_BENCH_SECONDS="0")
    assert list(ended) == PARTS
    assert set(ended.values()) == {"skipped"}
    assert status == 0


@pytest.mark.slow
def test_a_part_that_hangs_is_cut_off(tmp_path: Path) -> None:
    status, ended = run_with_a_python_that("sleep 100", tmp_path, MEMGAN_BENCH_SECONDS="12")
    assert ended["doctor"] == "cut off"
    assert {how for name, how in ended.items() if name != "doctor"} == {"skipped"}
    assert status == 1


def test_the_summary_tells_the_machine_and_takes_no_foreign_file(
    benchmark_module: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    (tmp_path / "parts.tsv").write_text("table1\t0\t7\t\nprecision\t137\t9\tits 9 s were over\n")
    (tmp_path / "figures.json").write_text('{"benchmark": "table1", "device": "A GPU"}')
    (tmp_path / "mine.json").write_text('{"device": "of somebody else"}')
    (tmp_path / "torn.json").write_text('{"benchmark"')
    assert benchmark_module("_gpu_summary").summary(tmp_path) == {
        "benchmark": "gpu",
        "device": "A GPU",
        "parts": [
            {"part": "table1", "ended": "passed", "seconds": 7, "remark": ""},
            {
                "part": "precision",
                "ended": "cut off",
                "seconds": 9,
                "remark": "its 9 s were over",
            },
        ],
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_that_a_gpu_can_show_runs_without_one(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "OUT": str(tmp_path),
        "PYTHON": sys.executable,
        "MEMGAN_BENCH_TINY": "1",
    }
    subprocess.run([SCRIPT], check=True, cwd=ROOT, env=environment)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [part["part"] for part in summary["parts"]] == PARTS
    for part in summary["parts"]:
        assert part["ended"] == "passed" or part["part"] in WITHOUT_A_GPU, part
    assert summary["versions"]["torch"]
