"""Distances to nearest rows: found by one product, then computed from the differences."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from memgan.machine import computed_in


class Nearest(NamedTuple):
    """The k nearest of some rows, nearest first."""

    distances: Tensor
    """Euclidean, float64 (N, k)."""
    places: Tensor
    """int64 (N, k)."""


_MOST_VALUES = 2**25
"""Of what rows are compared by, which bounds the memory; of more rows, some at a time."""


def nearest(rows: Tensor, others: Tensor, k: int) -> Nearest:
    """The k nearest of `others`, (M, p), to each of `rows`, (N, p); k at most M.

    The product that finds them has lost the digits of small distances; the differences have not,
    so that the distance of a row to itself is 0. Of others that the product cannot tell apart,
    any may be among the k.
    """
    if torch.onnx.is_in_onnx_export():  # A graph takes the images some at a time.
        return _nearest(rows, others, k)
    step = max(1, _MOST_VALUES // max(1, len(others) + 2 * k * others.shape[1]))
    starts = range(0, max(1, len(rows)), step)
    with computed_in("fp32", rows.device):
        found = [_nearest(rows[at : at + step], others, k) for at in starts]
    return Nearest(*(torch.cat(of_all) for of_all in zip(*found, strict=True)))


def _nearest(rows: Tensor, others: Tensor, k: int) -> Nearest:
    middle = others.mean(dim=0)
    here, there = rows.to(others.dtype) - middle, others - middle
    # Without the part that is the same for all of them.
    compared = (there**2).sum(dim=1) - 2 * here @ there.T
    places = compared.topk(k, dim=1, largest=False).indices
    differences = rows[:, None].to(torch.float64) - others[places].to(torch.float64)
    distances = (differences**2).sum(dim=2).sqrt()
    if k == 1:
        return Nearest(distances, places)
    distances, order = distances.sort(dim=1)
    return Nearest(distances, places.gather(1, order))


def nearest_distances(rows: Tensor, others: Tensor, k: int) -> Tensor:
    """The mean distance to the k nearest, float64 (N,); arguments as of `nearest`."""
    return nearest(rows, others, k).distances.mean(dim=1)
