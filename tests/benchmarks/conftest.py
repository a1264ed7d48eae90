"""Benchmarks in this process, as torch takes seconds to import."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def run_benchmark(
    benchmark_module: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., dict[str, Any]]:
    """Runs a benchmark by name with arguments, on the CPU; what it wrote."""

    def run(name: str, *arguments: str) -> dict[str, Any]:
        out = tmp_path / f"{name}.json"
        words = [f"{name}.py", *arguments, "--device", "cpu", "--out", str(out)]
        monkeypatch.setattr(sys, "argv", words)
        benchmark_module(name).main()
        found: dict[str, Any] = json.loads(out.read_text())
        return found

    return run
