"""MEMGAN's encoder, generator and joint discriminator, for any image from 8×8 up, and for vectors.

The paper's tables of networks are in a supplement that cannot be had; these follow the public
relative named in docs/explanation/science.md: strided convolutions down to at most 4×4, a linear
layer over what is left (a convolution of that size, in less time), and the exact mirror. 28×28
gives 28-14-7-4-1. Of vectors all three have two hidden layers as wide as the widest convolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from memgan.detectors.parts.batchnorm import BatchNorm1d, BatchNorm2d

_SMALLEST = 4
_WIDEST = 8


@dataclass(frozen=True)
class Step:
    """One strided convolution, by axis (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]


def _halving(length: int) -> tuple[int, int, int]:
    """(kernel, stride, length after) of one axis with padding 1, such that the transposed
    convolution with the same kernel and stride gives `length` back."""
    if length <= _SMALLEST:
        return 3, 1, length
    return (4, 2, length // 2) if length % 2 == 0 else (3, 2, (length + 1) // 2)


def strided_plan(height: int, width: int) -> tuple[list[Step], tuple[int, int]]:
    """The strided steps from (height, width) down, and the size that is left."""
    steps = []
    while max(height, width) > _SMALLEST:
        (kh, sh, height), (kw, sw, width) = _halving(height), _halving(width)
        steps.append(Step((kh, kw), (sh, sw)))
    return steps, (height, width)


def _channels(width: int, steps: int) -> list[int]:
    """Channels after each step and after the last convolution: doubling, to 8 × width."""
    return [width * min(2**level, _WIDEST) for level in range(steps + 1)]


def hidden(width: int) -> int:
    """Values of a hidden layer of networks for vectors."""
    return width * _WIDEST


def perceptron(sizes: Sequence[int], slope: float) -> nn.Sequential:
    """Linear layers from size to size, each but the last with BatchNorm and a leaky ReLU."""
    layers: list[nn.Module] = []
    for given, out in pairwise(sizes[:-1]):
        layers += [nn.Linear(given, out, bias=False), BatchNorm1d(out), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def vector_encoder(size: int, code_dim: int, width: int) -> nn.Sequential:
    """E of vectors: (B, p) → (B, d)."""
    return perceptron([size, hidden(width), hidden(width), code_dim], slope=0.1)


def vector_generator(size: int, code_dim: int, width: int) -> nn.Sequential:
    """G of vectors: (B, d) → (B, p), of any value, as vectors have no bounds."""
    return perceptron([code_dim, hidden(width), hidden(width), size], slope=0.0)


class Encoder(nn.Module):
    """E: (B, C, H, W) in [−1, 1] → (B, d), deterministic."""

    def __init__(self, image_shape: tuple[int, int, int], code_dim: int, width: int) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        steps, left = strided_plan(height, breadth)
        widths = _channels(width, len(steps))
        layers: list[nn.Module] = []
        for step, out in zip(steps, widths, strict=False):
            layers += [
                # No bias before BatchNorm: its gradient is only rounding, which Adam blows up.
                nn.Conv2d(channels, out, step.kernel, step.stride, padding=1, bias=False),
                BatchNorm2d(out),
                nn.LeakyReLU(0.1),
            ]
            channels = out
        layers += [
            nn.Flatten(),
            nn.Linear(channels * math.prod(left), widths[-1], bias=False),
            BatchNorm1d(widths[-1]),
            nn.LeakyReLU(0.1),
            nn.Linear(widths[-1], code_dim),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        codes: Tensor = self.layers(images)
        return codes


class Generator(nn.Module):
    """G: (B, d) → (B, C, H, W) in [−1, 1]; the encoder's mirror."""

    def __init__(self, image_shape: tuple[int, int, int], code_dim: int, width: int) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        steps, left = strided_plan(height, breadth)
        widths = _channels(width, len(steps))
        layers: list[nn.Module] = [
            nn.Linear(code_dim, widths[-1], bias=False),
            BatchNorm1d(widths[-1]),
            nn.ReLU(),
            nn.Linear(widths[-1], widths[-2] * math.prod(left), bias=False),
            nn.Unflatten(1, (widths[-2], *left)),
            BatchNorm2d(widths[-2]),
            nn.ReLU(),
        ]
        outs = [*reversed(widths[: len(steps) - 1]), channels]
        into = widths[-2]
        for number, (step, out) in enumerate(zip(reversed(steps), outs, strict=True), start=1):
            last = number == len(steps)
            layers.append(
                nn.ConvTranspose2d(into, out, step.kernel, step.stride, padding=1, bias=last)
            )
            layers += [nn.Tanh()] if last else [BatchNorm2d(out), nn.ReLU()]
            into = out
        self.layers = nn.Sequential(*layers)

    def forward(self, codes: Tensor) -> Tensor:
        images: Tensor = self.layers(codes)
        return images


class Discriminator(nn.Module):
    """D: x (B, C, H, W) or (B, p), and codes (B, d) → logit (B,). No BatchNorm or dropout: samples
    are independent."""

    def __init__(self, shape: tuple[int, ...], code_dim: int, width: int) -> None:
        super().__init__()
        trunk, joint = _trunk(shape, width)
        self.of_image = nn.Sequential(*trunk)
        self.of_code = nn.Sequential(
            nn.Linear(code_dim, joint),
            nn.LeakyReLU(0.2),
            nn.Linear(joint, joint),
            nn.LeakyReLU(0.2),
        )
        self.head = nn.Sequential(
            nn.Linear(2 * joint, joint), nn.LeakyReLU(0.2), nn.Linear(joint, 1)
        )

    def forward(self, images: Tensor, codes: Tensor) -> Tensor:
        joined = torch.cat([self.of_image(images), self.of_code(codes)], dim=1)
        logits: Tensor = self.head(joined).squeeze(1)
        return logits

    def judge(self, x: Tensor, code: Tensor, generated: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """D(x, E(x)) and D(G(z), z) as logits: one call, as D takes every sample by itself."""
        logits = self(torch.cat([x, generated]), torch.cat([code, z]))
        return torch.tensor_split(logits, 2)


def _trunk(shape: tuple[int, ...], width: int) -> tuple[list[nn.Module], int]:
    """What D makes of x before it sees the code, and how many values that has."""
    if len(shape) == 1:
        wide = hidden(width)
        first, second = nn.Linear(shape[0], wide), nn.Linear(wide, wide)
        return [first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2)], wide
    channels, height, breadth = shape
    steps, left = strided_plan(height, breadth)
    widths = _channels(width, len(steps))
    trunk: list[nn.Module] = []
    for step, out in zip(steps, widths, strict=False):
        trunk.append(nn.Conv2d(channels, out, step.kernel, step.stride, padding=1))
        trunk.append(nn.LeakyReLU(0.2))
        channels = out
    last = nn.Linear(channels * math.prod(left), widths[-1])
    return [*trunk, nn.Flatten(), last, nn.LeakyReLU(0.2)], widths[-1]


def encoder_of(shape: tuple[int, ...], code_dim: int, width: int) -> nn.Module:
    """E of images (C, H, W) or of vectors (p,)."""
    if len(shape) == 1:
        return vector_encoder(shape[0], code_dim, width)
    channels, height, breadth = shape
    return Encoder((channels, height, breadth), code_dim, width)


def generator_of(shape: tuple[int, ...], code_dim: int, width: int) -> nn.Module:
    """G of images (C, H, W) or of vectors (p,)."""
    if len(shape) == 1:
        return vector_generator(shape[0], code_dim, width)
    channels, height, breadth = shape
    return Generator((channels, height, breadth), code_dim, width)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Weights of convolutions and linear layers N(0, 0.02), biases 0, by a generator of its own."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, std=0.02, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def to_signed(pixels: Tensor) -> Tensor:
    """uint8 to float32 in [−1, 1], as the networks take images."""
    return pixels.to(torch.float32) / 127.5 - 1.0
