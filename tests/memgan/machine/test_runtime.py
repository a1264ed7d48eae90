"""Facts of the machine that stand beside a figure."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest
import torch

import memgan.machine.runtime
from memgan.errors import BadInput, UnknownName
from memgan.machine.runtime import machine, own_version, peak_memory_mb, resolve_device, versions


def test_versions_are_those_installed() -> None:
    found = versions()

    assert found["python"] == platform.python_version()
    assert found["torch"] == version("torch")
    assert found["memgan"] == version("memgan")


def test_the_machine_is_one_line() -> None:
    assert "\n" not in machine()
    assert machine().endswith(f"{os.cpu_count()} cores")


def test_a_device_is_found_or_refused() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    if torch.cuda.is_available():
        assert resolve_device("auto").type == resolve_device("cuda").type == "cuda"
    else:
        assert resolve_device("auto").type == "cpu"
        with pytest.raises(BadInput, match="--device cpu or auto"):
            resolve_device("cuda")


def test_another_device_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        UnknownName, match=r"unknown device 'gpu'; did you mean 'cpu'\? known: auto, cpu, cuda"
    ):
        resolve_device("gpu")


def test_peak_memory_is_in_mebibytes() -> None:
    before = peak_memory_mb()
    held = np.ones(2**27, dtype=np.uint8)

    after = peak_memory_mb()

    assert held.nbytes == 128 * 2**20
    if not torch.cuda.is_initialized():
        assert 50 < before <= after
        assert after > 128


def test_a_checkout_that_nobody_installed_has_a_version_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(memgan.machine.runtime, "version", missing)
    assert own_version() == "not installed"
