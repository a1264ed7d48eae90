"""Plain convolutions of 3×3 and stride 2, and their mirror, for images of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from memgan.detectors.parts.batchnorm import BatchNorm2d

Size = tuple[int, int]


def halved(height: int, width: int, times: int) -> list[Size]:
    """Sizes from the image down, each half of the one before, rounded up."""
    sizes = [(height, width)]
    for _ in range(times):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def contracting(widths: Sequence[int], activation: type[nn.Module], *, norm: bool) -> nn.Sequential:
    """One convolution from each of the channels to the next, each halves the image; flattened.

    norm: BatchNorm after each convolution, which then has no bias.
    """
    layers: list[nn.Module] = []
    for into, out in pairwise(widths):
        layers.append(nn.Conv2d(into, out, 3, stride=2, padding=1, bias=not norm))
        layers += [BatchNorm2d(out)] if norm else []
        layers.append(activation())
    return nn.Sequential(*layers, nn.Flatten())


def expanding(code_dim: int, widths: Sequence[int], sizes: Sequence[Size]) -> nn.Sequential:
    """The mirror of `contracting` with BatchNorm and ReLU, from a code, to images from −1 to 1.

    widths, sizes: from the image down, as for the encoder.
    """
    widths, sizes = widths[::-1], sizes[::-1]
    first = widths[0]
    layers: list[nn.Module] = [
        nn.Linear(code_dim, first * math.prod(sizes[0]), bias=False),
        nn.Unflatten(1, (first, *sizes[0])),
        BatchNorm2d(first),
        nn.ReLU(),
    ]
    last = len(widths) - 2
    for at, (into, out) in enumerate(pairwise(widths)):
        # What a stride of 2 leaves open: an even length came from one more than 2n − 1.
        high, wide = (1 - length % 2 for length in sizes[at + 1])
        layers.append(
            nn.ConvTranspose2d(
                into, out, 3, stride=2, padding=1, output_padding=(high, wide), bias=at == last
            )
        )
        layers += [nn.Tanh()] if at == last else [BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers)
