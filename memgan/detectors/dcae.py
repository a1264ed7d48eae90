"""DCAE of the paper's tables: a convolutional autoencoder of Deep SVDD's networks.

Ruff et al., Deep One-Class Classification, 2018 (PMLR 80). Convolutions of 5×5 without bias, each
followed by BatchNorm without scale and shift and by pooling, halve the image; the decoder mirrors
them with a linear layer in place of its reshaped code, so that images of any size fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from memgan.config import DcaeNetParameters, RebuilderParameters
from memgan.detectors.parts.batchnorm import BatchNorm2d
from memgan.detectors.parts.rebuilder import Rebuilder
from memgan.detectors.parts.stepwise import Move

_EPSILON = 1e-4
_SLOPE = 0.01


class Dcae(Rebuilder):
    """Trained and scored by ‖x − x̂‖²."""

    name = "dcae"
    squared = True
    parts: _Net

    @classmethod
    def net(cls, parameters: RebuilderParameters, shape: tuple[int, ...]) -> _Net:
        assert isinstance(parameters, DcaeNetParameters)
        return _Net(cast("tuple[int, int, int]", shape), parameters)

    def _start(self, net: nn.Module, generator: torch.Generator) -> None:
        gain = nn.init.calculate_gain("leaky_relu", _SLOPE)
        for weight in net.parameters():
            nn.init.xavier_uniform_(weight, gain, generator=generator)

    def adam(self, parts: nn.Module) -> torch.optim.Adam:
        assert isinstance(self.parameters, DcaeNetParameters)
        optimiser = super().adam(parts)
        for group in optimiser.param_groups:
            group["weight_decay"] = self.parameters.weight_decay
        return optimiser

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        return (self._move,)

    def _move(self, x: Tensor) -> Move:
        residual = self.distance(x, self.parts(x)).mean()
        return Move({("net",): residual}, {"residual": residual})


class Compressor(nn.Module):
    """φ: (B, C, H, W) → (B, d). Nothing in it has a bias, with which Deep SVDD could map all
    images to one point."""

    def __init__(self, widths: list[int], left: tuple[int, int], code_dim: int) -> None:
        """widths: channels of the image and after each convolution; left: height and width after
        the last."""
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in pairwise(widths):
            layers += [_convolution(into, out), _norm(out), nn.LeakyReLU(_SLOPE), nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(widths[-1] * math.prod(left), code_dim, bias=False)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        codes: Tensor = self.layers(images)
        return codes


class _Net(nn.Module):
    def __init__(self, image_shape: tuple[int, int, int], p: DcaeNetParameters) -> None:
        super().__init__()
        channels, height, width = image_shape
        # 8 and 4 for grey images, 32, 64 and 128 for colour, with `width` as in the paper.
        inner = (
            [p.width, max(1, p.width // 2)] if channels == 1 else [p.width * k for k in (1, 2, 4)]
        )
        widths = [channels, *inner]
        sizes = [(height >> level, width >> level) for level in range(len(widths))]
        self.encoder = Compressor(widths, sizes[-1], p.code_dim)
        self.decoder = _decoder(widths[::-1], sizes[::-1], p.code_dim)

    def forward(self, images: Tensor) -> Tensor:
        rebuilt: Tensor = self.decoder(self.encoder(images))
        return rebuilt


def _decoder(widths: list[int], sizes: list[tuple[int, int]], code_dim: int) -> nn.Sequential:
    """widths, sizes: from the code to the image."""
    first = widths[0]
    layers: list[nn.Module] = [
        nn.Linear(code_dim, first * math.prod(sizes[0]), bias=False),
        nn.Unflatten(1, (first, *sizes[0])),
    ]
    for (into, out), size in zip(pairwise(widths), sizes[1:], strict=True):
        layers += [_norm(into), nn.LeakyReLU(_SLOPE), nn.Upsample(size), _convolution(into, out)]
    return nn.Sequential(*layers)


def _convolution(into: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(into, out, 5, padding=2, bias=False)


def _norm(channels: int) -> BatchNorm2d:
    return BatchNorm2d(channels, eps=_EPSILON, affine=False)
