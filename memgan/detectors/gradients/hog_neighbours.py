"""Nearest neighbours of histograms of oriented gradients (Dalal and Triggs, CVPR 2005)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import DetectorParameters, HogNeighboursParameters
from memgan.data import Pixels, Scores
from memgan.detectors.parts.batches import in_batches, output_of
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.plain import PlainDetector, Scorer
from memgan.detectors.parts.weights import Spec

_BINS = 8
_CELL = 4
_TINY = 1e-12
_LEAST_SPREAD = 1e-6
"""Of training images that are all alike."""
_AT_ONCE = 64
"""Images: the votes of so many stay in a processor's cache, which makes it three times faster
(measured once by hand)."""
_FEWEST_FOR_SPREAD = 5000
"""Training images that a spread is taken over at least, where there are as many: of twice as many
every second, of three times as many every third. So it is over fewer than twice as many, whose
cosines take 800 MB for a moment, and more in proportion to all images. To round the step up would
change recorded figures: the classes of MNIST have 4,900 to 6,100 training images."""


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
    images, h(x). With `mean_image_share` w above 0: (1 − w)·h(x)/σ_h + w·m(x)/σ_m, with m(x) the
    squared distance to the mean image, contrast normalised, and σ the standard deviations over
    training images, each of which is left out of its own neighbours."""

    name = "hog-neighbours"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, HogNeighboursParameters)
        self.wanted, self.share = parameters.neighbours, parameters.mean_image_share

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        cpu = torch.device("cpu")
        train = torch.from_numpy(in_batches(gradient_histograms, images, cpu, _AT_ONCE))
        self.learned = {"train": train}
        if self.share:
            seen = in_batches(_contrast_normalised, images, cpu)
            mean = torch.from_numpy(seen.mean(axis=0))
            apart = _squared_distance(torch.from_numpy(seen), mean)
            spreads = torch.stack([self._distances_to_others(train).std(), apart.std()])
            self.learned |= {"mean": mean, "spreads": spreads.clamp_min(_LEAST_SPREAD)}
        return {}

    def _distances_to_others(self, train: Tensor) -> Tensor:
        """h of training images among all others, (N,); of many, some at even steps."""
        some = torch.arange(0, len(train), max(1, len(train) // _FEWEST_FOR_SPREAD))
        cosines = train[some] @ train.T
        cosines[torch.arange(len(some)), some] = -math.inf
        kept = max(1, min(self.wanted, len(train) - 1))
        return 1 - cosines.topk(kept, dim=1).values.mean(dim=1)

    def score(self, images: Pixels) -> Scores:
        return output_of(self.scorer(), images, torch.device("cpu"), _AT_ONCE)

    def specs(self) -> Mapping[str, Spec]:
        channels, height, width = self.image_shape
        specs = {"train": Spec((None, _BINS * (height // _CELL) * (width // _CELL)))}
        if self.share:
            specs |= {"mean": Spec((channels * height * width,)), "spreads": Spec((2,))}
        return specs

    def scorer(self) -> nn.Module:
        return _Scorer(self.learned, min(self.wanted, len(self.learned["train"])), self.share)


class _Scorer(Scorer):
    train_descriptors: Tensor
    mean: Tensor
    spreads: Tensor

    def __init__(self, learned: Mapping[str, Tensor], neighbours: int, share: float) -> None:
        more = {name: value for name, value in learned.items() if name != "train"}
        super().__init__({"train_descriptors": learned["train"], **more})
        self.neighbours, self.share = neighbours, share

    def forward(self, images: Tensor) -> tuple[Tensor]:
        cosines = gradient_histograms(images) @ self.train_descriptors.T
        distances = 1 - cosines.topk(self.neighbours, dim=1).values.mean(dim=1)
        if not self.share:
            return (distances,)
        apart = _squared_distance(_contrast_normalised(images), self.mean)
        shares = torch.tensor([1 - self.share, self.share], dtype=torch.float64)
        weights = shares / self.spreads
        return (weights[0] * distances + weights[1] * apart,)


def _contrast_normalised(images: Tensor) -> Tensor:
    """Rows, float64 (B, C·H·W)."""
    return see(images, contrast_normalised=True, dtype=torch.float64).x.flatten(1)


def _squared_distance(rows: Tensor, mean: Tensor) -> Tensor:
    distance: Tensor = ((rows - mean) ** 2).sum(dim=1)
    return distance
