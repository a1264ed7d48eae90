"""A learning rate that falls at the end of a training."""

from __future__ import annotations

_LAST = 0.05
"""The part of its learning rate that a training with a cooldown ends with."""


def rate_factor(cooldown: float, *, epochs: int, epoch: int) -> float:
    """What the learning rates are multiplied by in an epoch, counted from 1.

    1 up to the last `cooldown` (0 to 1) of the epochs, over which it falls to a twentieth, each
    time by the same factor.
    """
    cool = round(cooldown * epochs)
    late = epoch - (epochs - cool)
    return float(_LAST ** min(1.0, late / cool)) if cool and late > 0 else 1.0
