"""Detectors that learn in one pass and keep what they learned as a few named arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Detector
from memgan.detectors.parts.batches import output_of
from memgan.detectors.parts.weights import Spec, check_weights
from memgan.errors import BundleError

Rows = npt.NDArray[np.float64]


class PlainDetector(Detector):
    """A detector all of whose knowledge is in `learned`, and whose `scorer` scores with it."""

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.learned: dict[str, Tensor] = {}

    @abstractmethod
    def specs(self) -> Mapping[str, Spec]:
        """Kind and shape of each learned array."""

    def check(self, weights: Mapping[str, Tensor]) -> None:
        """BundleError for arrays that no fit can have given."""
        check_weights(weights, self.specs())

    @staticmethod
    def _agree(name: str, given: int, expected: int) -> None:
        if given != expected:
            raise BundleError(
                f"weights {name!r} hold {given} entries where {expected} are needed; export the"
                " bundle again"
            )

    def score(self, images: Pixels) -> Scores:
        return output_of(self.scorer(), images, torch.device("cpu"))

    def weights(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.learned.items()}

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        self.check(weights)
        self.learned = dict(weights)

    def state_dict(self) -> dict[str, Any]:
        return self.weights()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.learned = dict(state)


class Scorer(nn.Module):
    """A module with these tensors as buffers, so that they are exported with it."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, value in tensors.items():
            self.register_buffer(name, value)


def unit_rows(images: Pixels) -> Rows:
    """Pixels as rows from 0 to 1, float64 (N, C·H·W)."""
    return images.reshape(len(images), -1) / 255.0


def unit_tensor(images: Tensor) -> Tensor:
    """`unit_rows` of a tensor."""
    return images.flatten(1).to(torch.float64) / 255.0


def squared_distances(rows: Tensor, others: Tensor) -> Tensor:
    """‖x − y‖², (N, M), of rows (N, p) and others (M, p); never below 0."""
    squares = (rows**2).sum(dim=1, keepdim=True) + (others**2).sum(dim=1)
    return (squares - 2 * rows @ others.T).clamp_min(0)
