"""The detector itself, imported when it is trained or scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from memgan.data import Pixels
from memgan.detectors import PlainDetector, Scorer, Spec
from memgan_mean_image import MeanImageParameters


class MeanImage(PlainDetector):
    """One pass over the normal images; the mean over an image's pixels of |pixel − mean|^power."""

    name = "mean-image"

    def __init__(self, parameters: MeanImageParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.power = parameters.power

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        self.learned = {"mean": torch.from_numpy(images.mean(axis=0) / 255)}
        return {}

    def specs(self) -> Mapping[str, Spec]:
        return {"mean": Spec(self.image_shape)}

    def scorer(self) -> Scorer:
        return _DistanceToMean(self.learned, self.power)


class _DistanceToMean(Scorer):
    mean: torch.Tensor

    def __init__(self, learned: Mapping[str, torch.Tensor], power: float) -> None:
        super().__init__(learned)
        self.power = power

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        distances = (images.to(torch.float64) / 255 - self.mean).abs() ** self.power
        return (distances.flatten(1).mean(dim=1),)
