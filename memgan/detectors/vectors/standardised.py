"""Vectors of images, each value brought to its mean and spread over the training images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.data import Pixels

Floats = npt.NDArray[np.float32]

_LEAST = 0.05
"""A value's spread counts as this share of the usual one at least: what hardly varies in training
is not blown up."""
_NOTHING = 1e-6


class VectorSource(Protocol):
    """What makes vectors of images: a frozen network (`memgan.features.Extractor`), or one of a
    detector's own. It is a module."""

    count: int
    """p, the values of a vector."""

    def of(self, images: Pixels) -> Floats:
        """Float32 (N, p), of images uint8 (N, C, H, W)."""

    def __call__(self, images: Tensor) -> Tensor:
        """The same of tensors, so that it can be traced."""


class Standardised(nn.Module):
    """Images uint8 (N, C, H, W) to vectors float32 (N, p), of mean 0 and spread 1 in training."""

    mean: Tensor
    spread: Tensor

    def __init__(self, source: VectorSource, device: torch.device) -> None:
        super().__init__()
        self.source = source
        self.register_buffer("mean", torch.zeros(source.count, device=device))
        self.register_buffer("spread", torch.ones(source.count, device=device))
        self._kept: tuple[Pixels, Floats] | None = None

    def learn(self, images: Pixels) -> None:
        """Take mean and spread from the training images."""
        found = self.source.of(images).astype(np.float64)
        spread = found.std(axis=0)
        usual = float(np.sqrt((spread**2).mean()))
        spread = np.maximum(spread, _LEAST * usual) if usual > _NOTHING else np.ones_like(spread)
        self.mean.copy_(torch.from_numpy(found.mean(axis=0)))
        self.spread.copy_(torch.from_numpy(spread))
        self._kept = None

    def rows(self, images: Pixels, *, keep: bool = False) -> Floats:
        """Float32 (N, p). keep: hold them, for as long as the same images come again."""
        if self._kept is not None and self._kept[0] is images:
            return self._kept[1]
        rows: Floats = (
            self.source.of(images) - self.mean.cpu().numpy()
        ) / self.spread.cpu().numpy()
        if keep:
            self._kept = images, rows
        return rows

    def forward(self, images: Tensor) -> Tensor:
        rows: Tensor = (self.source(images) - self.mean) / self.spread
        return rows

    def state(self) -> dict[str, Tensor]:
        """What was learned, by name; the tensors themselves."""
        return {"vectors.mean": self.mean, "vectors.spread": self.spread}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave."""
        for name, value in self.state().items():
            value.copy_(state[name])
        self.forget()

    def forget(self) -> None:
        """Compute the vectors of the images that came last again."""
        self._kept = None
