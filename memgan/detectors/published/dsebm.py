"""DSEBM (arXiv 1605.07717): an energy of images whose slope denoises.

Networks and score are those of the public code behind the papers' tables (its image form), without
the BatchNorm there: inside a slope it would make an image's energy depend on its batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, DsebmParameters, PublishedParameters
from memgan.data import Pixels
from memgan.detectors.look import Look
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.stepwise import Move
from memgan.detectors.published.convolutions import contracting, halved
from memgan.detectors.published.several import Several, fill_by_xavier

_LEVELS = 3


class Dsebm(Several):
    """Scored by the energy E(x) = ½‖x − b‖² − Σⱼ hⱼ(x)."""

    name = "dsebm"
    scored_with = ("energy",)
    betas = MappingProxyType({"energy": (0.9, 0.999)})
    parameters: DsebmParameters

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.energy = self.networks["energy"]

    @classmethod
    def build(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> nn.ModuleDict:
        assert isinstance(parameters, DsebmParameters)
        return nn.ModuleDict({"energy": Energy(image_shape, parameters)})

    def fill(self, networks: nn.ModuleDict, generator: torch.Generator) -> None:
        fill_by_xavier(networks, generator)

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        return (self._move,)

    def draw(self, x: Tensor) -> tuple[Tensor]:
        """ε ~ N(0, σ²), as large as the batch."""
        drawn = torch.randn(x.shape, generator=self.sampling, device=self.device)
        return (self.parameters.noise * drawn.to(x.dtype),)

    def _move(self, x: Tensor, noise: Tensor) -> Move:
        loss = score_matching_loss(self.energy, x, noise)
        return Move({("energy",): loss}, {"score_matching": loss})

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        x = self.see(torch.tensor(images, device=self.device)).x
        return Look(x, denoised(self.energy, x))

    def prepare_to_score(self, images: Pixels) -> None:
        """Nothing: there is no BatchNorm."""

    def scorer(self) -> nn.Module:
        return _Scorer(self.energy, self.parameters.contrast_normalised).eval()


def denoised(energy: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """r(x) = x − ∇E(x), (B, C, H, W)."""

    def summed(images: Tensor) -> Tensor:
        return energy(images).sum()  # The energy takes each image by itself.

    slope: Tensor = torch.func.grad(summed)(x)
    return x - slope


def score_matching_loss(energy: Callable[[Tensor], Tensor], x: Tensor, noise: Tensor) -> Tensor:
    """mean (x − r(x + ε))², over pixels and images: score matching as denoising."""
    loss: Tensor = ((x - denoised(energy, x + noise)) ** 2).mean()
    return loss


class Energy(nn.Module):
    """E: (B, C, H, W) → (B,)."""

    def __init__(self, image_shape: tuple[int, int, int], p: DsebmParameters) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        activation = nn.Softplus if p.activation == "softplus" else nn.ReLU
        widths = [channels, p.width, 2 * p.width, 4 * p.width]
        left = halved(height, breadth, _LEVELS)[-1]
        self.terms = nn.Sequential(
            contracting(widths, activation, norm=False),
            nn.Linear(widths[-1] * math.prod(left), p.energy_terms),
            activation(),
        )
        self.centre = nn.Parameter(torch.zeros(image_shape))  # b

    def forward(self, images: Tensor) -> Tensor:
        squared = ((images - self.centre) ** 2).flatten(1).sum(dim=1)
        terms: Tensor = self.terms(images)
        return squared / 2 - terms.sum(dim=1)


class _Scorer(nn.Module):
    def __init__(self, energy: nn.Module, normalised: bool) -> None:
        super().__init__()
        self.energy, self.normalised = energy, normalised

    def forward(self, images: Tensor) -> tuple[Tensor]:
        energy = self.energy(see(images, contrast_normalised=self.normalised).x)
        return (energy.to(torch.float64),)
