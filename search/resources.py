"""What a trial gets and how many run at once, from what the machine or cluster reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memgan.configuration import Runtime
from memgan.errors import ConfigError
from search.study import Resources

_GPU_SHARE = 0.25
"""The nets are small: one trial leaves most of a GPU idle."""
_MEMORY_PER_TRIAL = 1 << 30
"""Bytes that a trial's process needs, torch included, with room to spare."""


@dataclass(frozen=True)
class Allotment:
    """Resources as chosen for a study on this machine."""

    at_once: int
    cpus_per_trial: float
    gpus_per_trial: float

    @property
    def runtime(self) -> Runtime:
        """Device and threads of a trial."""
        device: Literal["cpu", "cuda"] = "cuda" if self.gpus_per_trial else "cpu"
        return Runtime(device=device, threads=max(1, int(self.cpus_per_trial)))

    def describe(self) -> str:
        """For the user, in one line."""
        gpus = f", {self.gpus_per_trial:g} GPU" if self.gpus_per_trial else ""
        return f"{self.at_once} trials at once, each {self.cpus_per_trial:g} CPU{gpus}"


def allot(wanted: Resources, available: Mapping[str, float]) -> Allotment:
    """The allotment for `available` (Ray's names: CPU, GPU, and memory in bytes).

    ConfigError where not even one trial fits.
    """
    cpus, gpus = available.get("CPU", 0.0), available.get("GPU", 0.0)
    share = wanted.gpus_per_trial
    if wanted.device == "cpu":
        share = 0.0
    elif share is None:
        share = _GPU_SHARE if gpus else 0.0
    if wanted.device == "cuda" and not gpus:
        raise ConfigError("device cuda was asked for and Ray reports no GPU; use cpu or auto")
    if share > gpus:
        raise ConfigError(f"a trial wants {share:g} GPU and there are {gpus:g}; ask for fewer")
    if wanted.cpus_per_trial > cpus:
        raise ConfigError(
            f"a trial wants {wanted.cpus_per_trial:g} CPU and there are {cpus:g}; ask for fewer"
        )
    fits = [int(cpus // wanted.cpus_per_trial)]
    if share:
        # Whole trials a GPU: a fraction cannot be put together from two of them.
        fits.append(int(gpus) * int(1 // share) if share < 1 else int(gpus // share))
    if "memory" in available:
        fits.append(max(1, int(available["memory"] // _MEMORY_PER_TRIAL)))
    if wanted.max_concurrent:
        fits.append(wanted.max_concurrent)
    return Allotment(max(1, min(fits)), wanted.cpus_per_trial, share)
