"""Distances to nearest rows: found by one product, then computed from the differences."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Nearest(NamedTuple):
    """The k nearest of some rows, nearest first."""

    distances: Tensor
    """Euclidean, float64 (N, k)."""
    places: Tensor
    """int64 (N, k)."""


def nearest(rows: Tensor, others: Tensor, k: int) -> Nearest:
    """The k nearest of `others`, (M, p), to each of `rows`, (N, p); k at most M.

    The product that finds them has lost the digits of small distances; the differences have not,
    so that the distance of a row to itself is 0.
    """
    middle = others.mean(dim=0)
    here, there = rows.to(others.dtype) - middle, others - middle
    # Without the part that is the same for all of them.
    compared = (there**2).sum(dim=1) - 2 * here @ there.T
    places = compared.topk(k, dim=1, largest=False).indices
    differences = rows[:, None].to(torch.float64) - others[places].to(torch.float64)
    distances = (differences**2).sum(dim=2).sqrt()
    return Nearest(distances, places)


def nearest_distances(rows: Tensor, others: Tensor, k: int) -> Tensor:
    """The mean distance to the k nearest, float64 (N,); arguments as of `nearest`."""
    return nearest(rows, others, k).distances.mean(dim=1)
