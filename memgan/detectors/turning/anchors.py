"""Two anchors on the features of turns: a Gaussian, and nearest neighbours, of each turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from memgan.detectors.on_features.distances import nearest_distances
from memgan.detectors.parts.weights import Spec, check_weights
from memgan.detectors.turning.turns import TURNS
from memgan.detectors.vectors.standardised import Floats


class Anchor(ABC):
    """Fitted on vectors (N, 4·f) at once; scores are the sum of what the four turns give."""

    def __init__(self, count: int) -> None:
        """count: 4·f, the values of a vector."""
        self.of_turn = count // TURNS
        self.learned: dict[str, Tensor] = {}

    @abstractmethod
    def fit(self, rows: Floats) -> None:
        """Learn from the training vectors, (N, 4·f), N at least 2."""

    @abstractmethod
    def specs(self) -> Mapping[str, Spec]:
        """Kind and shape of what it learned."""

    @abstractmethod
    def scoring(self) -> nn.Module:
        """Vectors (B, 4·f) to scores, float64 (B,)."""

    def check(self, learned: Mapping[str, Tensor]) -> None:
        """BundleError for what no fit can have given."""
        check_weights(learned, self.specs())


class Gaussian(Anchor):
    """The squared Mahalanobis distance to the mean, the covariance shrunk as Ledoit and Wolf do.

    `pca` with `shrinkage` is the other Gaussian on features. There a search chooses how much the
    covariance is shrunk; here nothing may be left to choose, as it stands beside MEMGAN.
    """

    def fit(self, rows: Floats) -> None:
        from sklearn.covariance import LedoitWolf

        turns = rows.astype(np.float64).reshape(len(rows), TURNS, self.of_turn)
        fitted = [LedoitWolf().fit(turns[:, turn]) for turn in range(TURNS)]
        self.learned = {
            "mean": torch.tensor(np.stack([one.location_ for one in fitted])),
            "precision": torch.tensor(np.stack([one.precision_ for one in fitted])),
        }

    def specs(self) -> Mapping[str, Spec]:
        size = self.of_turn
        return {"mean": Spec((TURNS, size)), "precision": Spec((TURNS, size, size))}

    def scoring(self) -> nn.Module:
        return _Mahalanobis(self.learned["mean"], self.learned["precision"])


class TurnNeighbours(Anchor):
    """The mean distance to the k nearest training vectors of the same turn."""

    def __init__(self, count: int, neighbours: int) -> None:
        super().__init__(count)
        self.neighbours = neighbours

    def fit(self, rows: Floats) -> None:
        self.learned = {"train": torch.tensor(rows)}

    def specs(self) -> Mapping[str, Spec]:
        return {"train": Spec((None, TURNS * self.of_turn), torch.float32)}

    def scoring(self) -> nn.Module:
        return _Nearest(self.learned["train"], self.neighbours)


class _Mahalanobis(nn.Module):
    mean: Tensor
    precision: Tensor

    def __init__(self, mean: Tensor, precision: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("precision", precision)

    def forward(self, rows: Tensor) -> Tensor:
        turns = rows.to("cpu", torch.float64).chunk(TURNS, dim=1)
        of_each = []
        for turn, row in enumerate(turns):
            centred = row - self.mean[turn]
            of_each.append(((centred @ self.precision[turn]) * centred).sum(dim=1))
        return torch.stack(of_each).sum(dim=0)


class _Nearest(nn.Module):
    train_vectors: Tensor

    def __init__(self, train: Tensor, neighbours: int) -> None:
        super().__init__()
        self.register_buffer("train_vectors", train)
        self.kept = min(neighbours, len(train))

    def forward(self, rows: Tensor) -> Tensor:
        here = rows.to("cpu", torch.float64).chunk(TURNS, dim=1)
        there = self.train_vectors.chunk(TURNS, dim=1)
        of_each = [nearest_distances(*pair, self.kept) for pair in zip(here, there, strict=True)]
        return torch.stack(of_each).sum(dim=0)
