"""Strided convolutions and their mirror with a number of channels that doubles, as in a DCGAN."""

from __future__ import annotations

import math

from torch import nn

from memgan.detectors.parts.batchnorm import BatchNorm2d
from memgan.detectors.parts.networks import strided_plan

_SLOPE = 0.2
_WIDEST = 4


def strided(
    image_shape: tuple[int, int, int], width: int, *, norm_from: int | None
) -> tuple[nn.Sequential, int]:
    """4×4 convolutions of stride 2 down to at most 4×4, flattened, and how many values are left.

    norm_from: the first convolution that BatchNorm follows, from 0; None for none.
    """
    channels, height, breadth = image_shape
    steps, left = strided_plan(height, breadth)
    layers: list[nn.Module] = []
    for level, step in enumerate(steps):
        out = width * min(2**level, _WIDEST)
        norm = norm_from is not None and level >= norm_from
        layers.append(nn.Conv2d(channels, out, step.kernel, step.stride, padding=1, bias=not norm))
        layers += [BatchNorm2d(out)] if norm else []
        layers.append(nn.LeakyReLU(_SLOPE))
        channels = out
    return nn.Sequential(*layers, nn.Flatten()), channels * math.prod(left)


def mirrored(image_shape: tuple[int, int, int], code_dim: int, width: int) -> nn.Sequential:
    """Codes (B, d) → images from −1 to 1: transposed convolutions, each with BatchNorm and ReLU."""
    channels, height, breadth = image_shape
    steps, left = strided_plan(height, breadth)
    outs = [width * min(2**level, _WIDEST) for level in range(len(steps))]
    into = outs[-1]
    layers: list[nn.Module] = [
        nn.Linear(code_dim, into * math.prod(left), bias=False),
        nn.Unflatten(1, (into, *left)),
        BatchNorm2d(into),
        nn.ReLU(),
    ]
    mirror = zip(reversed(steps), [*reversed(outs[:-1]), channels], strict=True)
    for number, (step, out) in enumerate(mirror, start=1):
        last = number == len(steps)
        layers.append(nn.ConvTranspose2d(into, out, step.kernel, step.stride, padding=1, bias=last))
        layers += [nn.Tanh()] if last else [BatchNorm2d(out), nn.ReLU()]
        into = out
    return nn.Sequential(*layers)
