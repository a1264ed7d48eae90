"""The benchmarks run to their end in a tiny size, and say what they were measured on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "gpu.sh"


def test_the_script_for_a_gpu_is_a_script() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], capture_output=True, check=False).returncode == 0
    assert os.access(SCRIPT, os.X_OK)


@pytest.mark.parametrize(
    ("benchmark", "arguments", "figure"),
    [
        ("training_step", ["--rounds", "1", "--steps", "1"], "matrix_product_flops"),
        ("table1", ["--source", "digits", "--epochs", "1"], "mean_test_auroc"),
    ],
)
def test_a_benchmark_writes_its_figures_with_the_machine(
    benchmark: str, arguments: list[str], figure: str, tmp_path: Path
) -> None:
    out = tmp_path / "found.json"
    command = [sys.executable, ROOT / "benchmarks" / f"{benchmark}.py", *arguments, "--out", out]
    subprocess.run([*command, "--device", "cpu"], check=True, cwd=ROOT, capture_output=True)
    found = json.loads(out.read_text())
    assert found["benchmark"] == benchmark
    assert found[figure] > 0
    assert found["rows"]
    assert found["versions"]["torch"]
    assert found["device"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_all_that_a_gpu_can_show_runs_without_one(tmp_path: Path) -> None:
    environment = {**os.environ, "OUT": str(tmp_path), "PYTHON": sys.executable}
    subprocess.run([SCRIPT], check=True, cwd=ROOT, env=environment)
    summary = (tmp_path / "summary.txt").read_text()
    for part in ("training_step", "table1", "at_once", "search_digits"):
        assert f"{part:<24} rc 0" in summary, summary
