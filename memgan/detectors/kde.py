"""Kernel density estimate with a Gaussian kernel; the score is −log density."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from memgan.data import Pixels
from memgan.detectors.parts.plain import (
    PlainDetector,
    Scorer,
    squared_distances,
    unit_rows,
    unit_tensor,
)
from memgan.detectors.parts.weights import Spec

BANDWIDTHS = tuple(2 ** (step / 2) for step in range(1, 11))
"""√2 … 32, for pixels from 0 to 1."""
_FOLDS = 5


class Kde(PlainDetector):
    """On pixels from 0 to 1; of `BANDWIDTHS` the one that makes held-out images likeliest."""

    name = "kde"

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        rows = torch.from_numpy(unit_rows(images))
        self.learned = {
            "train": torch.tensor(images),
            "bandwidth": torch.tensor([likeliest_bandwidth(rows)], dtype=torch.float64),
        }
        return {}

    def specs(self) -> Mapping[str, Spec]:
        return {"train": Spec((None, *self.image_shape), torch.uint8), "bandwidth": Spec((1,))}

    def scorer(self) -> Scorer:
        return _KdeScorer(self.learned)


def likeliest_bandwidth(rows: Tensor) -> float:
    """Of `BANDWIDTHS` the one with the greatest likelihood over five folds of rows (N, p), N at
    least 2. All bandwidths share one matrix of distances, which takes most of the time."""
    totals = np.zeros(len(BANDWIDTHS))
    for held in np.array_split(np.arange(len(rows)), min(_FOLDS, len(rows))):
        kept = np.setdiff1d(np.arange(len(rows)), held)
        squared = squared_distances(rows[held], rows[kept])
        totals += [
            float(log_density(squared, rows.shape[1], torch.tensor(h)).sum()) for h in BANDWIDTHS
        ]
    return BANDWIDTHS[int(totals.argmax())]


def log_density(squared: Tensor, dimensions: int, bandwidth: Tensor) -> Tensor:
    """(N,) from squared distances (N, M) to the M points of the estimate."""
    normalised = torch.log(bandwidth) + 0.5 * math.log(2 * math.pi)
    exponents = -squared / (2 * bandwidth**2)
    return torch.logsumexp(exponents, dim=1) - math.log(squared.shape[1]) - dimensions * normalised


class _KdeScorer(Scorer):
    train_images: Tensor
    bandwidth: Tensor

    def __init__(self, learned: Mapping[str, Tensor]) -> None:
        super().__init__({"train_images": learned["train"], "bandwidth": learned["bandwidth"]})

    def forward(self, images: Tensor) -> tuple[Tensor]:
        rows, train = unit_tensor(images), unit_tensor(self.train_images)
        return (-log_density(squared_distances(rows, train), rows.shape[1], self.bandwidth),)
