"""What a trial gets and how many run at once, from what the machine or cluster reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memgan.config import Packing, Runtime
from memgan.errors import ConfigError
from memgan.machine import MEMORY_PER_TRAINING, Arithmetic
from search.study import Resources

_GPU_SHARE = 0.25
"""The nets are small: one trial leaves most of a GPU idle."""
_PARTS = 10_000
"""Ray counts in ten-thousandths of a core or GPU, so places are counted in them too."""


@dataclass(frozen=True)
class Allotment:
    """Resources as chosen for a study on this machine."""

    at_once: int
    cpus_per_trial: float
    gpus_per_trial: float
    packing: Packing = "auto"
    precision: Arithmetic = "auto"

    @property
    def runtime(self) -> Runtime:
        """Device and threads of a trial."""
        device: Literal["cpu", "cuda"] = "cuda" if self.gpus_per_trial else "cpu"
        return Runtime(
            device=device,
            threads=max(1, int(self.cpus_per_trial)),
            packing=self.packing,
            precision=self.precision,
        )

    def describe(self) -> str:
        """For the user, in one line."""
        gpus = f", {self.gpus_per_trial:g} GPU" if self.gpus_per_trial else ""
        return f"{self.at_once} trials at once, each {self.cpus_per_trial:g} CPU{gpus}"


def allot(wanted: Resources, available: Mapping[str, float]) -> Allotment:
    """The allotment for `available` (Ray's names: CPU, GPU, and memory in bytes).

    ConfigError where not even one trial fits.
    """
    cpus, gpus = available.get("CPU", 0.0), available.get("GPU", 0.0)
    wants_cpus, wants_gpus = _parts(wanted.cpus_per_trial, "cpus_per_trial"), 0
    if wanted.device == "cuda" and not gpus:
        raise ConfigError("device cuda was asked for and Ray reports no GPU; use cpu or auto")
    if wanted.device != "cpu":
        share = wanted.gpus_per_trial
        if share is None:
            share = _GPU_SHARE if gpus else 0.0
        wants_gpus = _parts(share, "gpus_per_trial")
    if wants_gpus > _PARTS and wants_gpus % _PARTS:
        raise ConfigError(
            f"gpus_per_trial {wants_gpus / _PARTS:g}: above 1 a trial takes whole GPUs; give"
            f" {math.ceil(wants_gpus / _PARTS)}"
        )
    fits = []
    for kind, wants, there in (("GPU", wants_gpus, gpus), ("CPU", wants_cpus, cpus)):
        if wants > _parts_of(there):
            raise ConfigError(_too_few(kind, wants / _PARTS, there))
        if 0 < wants < _PARTS and kind == "GPU":
            # Whole trials a GPU: a fraction cannot be put together from two of them.
            fits.append(int(there) * (_PARTS // wants))
        elif wants:
            fits.append(_parts_of(there) // wants)
    if "memory" in available:
        fits.append(int(available["memory"] // MEMORY_PER_TRAINING))
    if wanted.max_concurrent:
        fits.append(wanted.max_concurrent)
    at_once = max(1, min(fits))
    cpus_each, gpus_each = wants_cpus / _PARTS, wants_gpus / _PARTS
    return Allotment(at_once, cpus_each, gpus_each, wanted.packing, wanted.precision)


def _parts(share: float, key: str) -> int:
    """A share in Ray's parts, rounded down, so that as many fit as the share says: 7 of 1/7."""
    parts = _parts_of(share)
    if share and not parts:
        raise ConfigError(f"{key} {share:g}: the smallest share is {1 / _PARTS:g}")
    return parts


def _parts_of(amount: float) -> int:
    # A third is a hair less than a third, and 0.29 times 10,000 a hair less than 2,900.
    return math.floor(amount * _PARTS + 1e-6)


def _too_few(kind: str, wants: float, there: float) -> str:
    option = f"--{kind.lower()}s-per-trial"
    if there:
        return f"a trial wants {wants:g} {kind} and there are {there:g}; give {option} {there:g}"
    return f"a trial wants {wants:g} {kind} and there is none; give {option} 0"
