"""Nearest neighbours of histograms of oriented gradients (Dalal and Triggs, CVPR 2005)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import DetectorParameters, HogNeighboursParameters
from memgan.data import Pixels
from memgan.detectors.parts.batches import in_batches
from memgan.detectors.parts.plain import PlainDetector, Scorer
from memgan.detectors.parts.weights import Spec

_BINS = 8
_CELL = 4
_TINY = 1e-12


def gradient_histograms(images: Tensor) -> Tensor:
    """Descriptors of length 1, float64 (B, 8·⌊H/4⌋·⌊W/4⌋), of images uint8 (B, C, H, W).

    Every pixel votes with the length of its gradient (central differences of the mean over
    channels) for the two nearest of 8 orientations, without sign, by how near they are; a cell
    of 4×4 pixels has the mean of its votes. An image without any gradient has zeros.
    """
    grey = F.pad(images.to(torch.float64).mean(dim=1, keepdim=True), (1, 1, 1, 1), "replicate")
    across = grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2]
    down = grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]
    length = (across**2 + down**2).sqrt()
    # onnxruntime has no arc tangent of float64, and gives none of a gradient of nothing.
    along = torch.where(length > 0, across, torch.ones_like(across)).to(torch.float32)
    angle = torch.atan2(down.to(torch.float32), along).to(torch.float64)
    place = angle * (_BINS / math.pi)  # From −8 to 8, and 8 comes round to 0.
    bins = torch.arange(_BINS, dtype=torch.float64, device=images.device).view(1, -1, 1, 1)
    apart = place - bins + _BINS / 2
    apart = (apart - _BINS * torch.floor(apart / _BINS) - _BINS / 2).abs()
    votes = (1 - apart).clamp_min(0) * length
    high, wide = images.shape[2] // _CELL, images.shape[3] // _CELL
    whole = votes[:, :, : high * _CELL, : wide * _CELL]  # Rows and columns over are left out.
    divided = whole.reshape(-1, _BINS, high, _CELL, wide, _CELL)
    cells: Tensor = divided.mean(dim=(3, 5)).flatten(1)
    whole_length: Tensor = torch.linalg.vector_norm(cells, dim=1, keepdim=True)
    return cells / whole_length.clamp_min(_TINY)


class HogNeighbours(PlainDetector):
    """1 − the mean cosine of an image's gradient histograms to those of the k nearest training
    images."""

    name = "hog-neighbours"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, HogNeighboursParameters)
        self.wanted = parameters.neighbours

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        found = in_batches(gradient_histograms, images, torch.device("cpu"))
        self.learned = {"train": torch.from_numpy(found)}
        return {}

    def specs(self) -> Mapping[str, Spec]:
        _, height, width = self.image_shape
        return {"train": Spec((None, _BINS * (height // _CELL) * (width // _CELL)))}

    def scorer(self) -> nn.Module:
        return _Scorer(self.learned, min(self.wanted, len(self.learned["train"])))


class _Scorer(Scorer):
    descriptors: Tensor

    def __init__(self, learned: Mapping[str, Tensor], neighbours: int) -> None:
        super().__init__({"descriptors": learned["train"]})
        self.neighbours = neighbours

    def forward(self, images: Tensor) -> tuple[Tensor]:
        cosines = gradient_histograms(images) @ self.descriptors.T
        return (1 - cosines.topk(self.neighbours, dim=1).values.mean(dim=1),)
