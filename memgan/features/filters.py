"""A fixed bank of filters: features without weights, for who has none at hand and for tests."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_TURNS = 6
_KERNEL = 9
_WAVES = (4.0, 8.0)
"""Pixels from crest to crest of the filters."""


class FilterBank(nn.Module):
    """Colour and the energy of oriented waves: (B, 3, S, S) to (B, 24, S/32, S/32).

    Each stage filters what the one before left, of half the image's side: 12 energies of its own
    beside the 12 of the stage before. A stage gives 3 colours and these, 27 channels.
    """

    even: Tensor
    odd: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("even", _waves(0.0), persistent=False)
        self.register_buffer("odd", _waves(math.pi / 2), persistent=False)
        self.to2, self.to4, self.to8, self.to16, self.to32 = (_Stage() for _ in range(5))

    def forward(self, images: Tensor) -> Tensor:
        x, energy = images, images[:, :0]
        for stage in (self.to2, self.to4, self.to8, self.to16, self.to32):
            grey = x.mean(dim=1, keepdim=True)
            found = [self._filtered(grey, kernel) for kernel in (self.even, self.odd)]
            here = torch.sqrt(found[0] ** 2 + found[1] ** 2 + 1e-6)
            energy = stage(torch.cat([x, here, energy[:, : 2 * _TURNS]], dim=1))
            x, energy = energy[:, :3], energy[:, 3:]
        return energy

    @staticmethod
    def _filtered(grey: Tensor, kernels: Tensor) -> Tensor:
        side = _KERNEL // 2
        # Borders are repeated, as a dark frame would be an edge.
        return F.conv2d(F.pad(grey, (side,) * 4, mode="replicate"), kernels)


class _Stage(nn.Module):
    """Half the side, by means of four."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2)


def _waves(phase: float) -> Tensor:
    """Waves under a bell, each with a mean of 0 and a length of 1, (12, 1, 9, 9)."""
    at = torch.arange(_KERNEL, dtype=torch.float32) - _KERNEL // 2
    y, x = torch.meshgrid(at, at, indexing="ij")
    kernels = []
    for wave in _WAVES:
        bell = torch.exp(-(x**2 + y**2) / (2 * (wave / 2.5) ** 2))
        for number in range(_TURNS):
            turn = math.pi * number / _TURNS
            along = x * math.cos(turn) + y * math.sin(turn)
            kernel = bell * torch.cos(2 * math.pi * along / wave + phase)
            kernel = kernel - bell * kernel.sum() / bell.sum()
            kernels.append(kernel / kernel.norm())
    return torch.stack(kernels)[:, None]
