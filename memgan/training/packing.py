"""Where detectors are trained as one: what was asked for, or what was measured to be faster."""

from __future__ import annotations

import math

from memgan.config import Packing

_MOST_VALUES_ON_A_CPU = 3 * 8 * 8
"""The values of an image. In benchmarks/results/packing.json, ten as one are 1.3 to 2.9 times as
fast as in turn at 8×8, by width; at 16×16 only narrow networks gain, and at 28×28 packing costs
time. Convolutions of stacked weights are grouped ones, which a CPU is slow at."""
_FEWEST_ON_A_CPU = 5
"""Likewise: two or three as one gain next to nothing."""


def packs(packing: Packing, device: str, shape: tuple[int, ...], count: int) -> bool:
    """Whether `count` detectors that can be trained as one are. device: cpu or cuda; shape: of what
    their networks see, images or vectors."""
    if packing != "auto" or count < 2:
        return packing == "on" and count > 1
    # Nobody has measured it on a GPU, where a step of such networks is all launch overhead.
    # Ten MEMGANs of vectors were 1.2 times as fast at 512 and 1280 values, 1.8 times at 128,
    # measured once by hand.
    small = len(shape) == 1 or math.prod(shape) <= _MOST_VALUES_ON_A_CPU
    return device == "cuda" or (small and count >= _FEWEST_ON_A_CPU)
