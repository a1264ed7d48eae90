"""A few rows that stand for many: greedy, by the largest distance to those that are chosen."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch

from memgan.machine import computed_in

_DIMENSIONS = 64
"""Of the random projection that distances are compared in; it keeps them within some percent."""


def coreset(
    rows: npt.NDArray[np.float32], count: int, generator: torch.Generator
) -> npt.NDArray[np.int64]:
    """The places of `count` of the rows, (N, p), in ascending order: each next one is the farthest
    from all that are chosen, after a random projection to 64 dimensions.

    generator: on the CPU. All rows where count is N or more. No row is chosen twice.
    """
    if count >= len(rows):
        return np.arange(len(rows))
    with computed_in("fp32", torch.device("cpu")):
        return _farthest(rows, count, generator)


def _farthest(
    rows: npt.NDArray[np.float32], count: int, generator: torch.Generator
) -> npt.NDArray[np.int64]:
    given = torch.from_numpy(np.ascontiguousarray(rows))
    if rows.shape[1] > _DIMENSIONS:
        drawn = torch.randn(rows.shape[1], _DIMENSIONS, generator=generator)
        given = given @ (drawn / math.sqrt(_DIMENSIONS))
    given = given - given.mean(dim=0)
    squares = (given**2).sum(dim=1)
    chosen = [int(torch.randint(len(given), (1,), generator=generator))]
    nearest = torch.full((len(given),), math.inf)
    while len(chosen) < count:
        last = chosen[-1]
        distances = squares + squares[last] - 2 * (given @ given[last])
        nearest = torch.minimum(nearest, distances)
        nearest[last] = -math.inf
        chosen.append(int(nearest.argmax()))
    return np.sort(np.array(chosen, dtype=np.int64))
