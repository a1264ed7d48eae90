"""The residual generator and critic of AMA, for images of any size from 8×8 up."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.detectors.parts.batchnorm import BatchNorm2d
from memgan.detectors.parts.networks import strided_plan


class ResidualGenerator(nn.Module):
    """G: (B, d) → (B, C, H, W): residual blocks, each of which enlarges."""

    def __init__(self, image_shape: tuple[int, int, int], code_dim: int, width: int) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        sizes = [(height, breadth)]
        for step in strided_plan(height, breadth)[0]:
            high, wide = sizes[-1]
            sizes.append((-(-high // step.stride[0]), -(-wide // step.stride[1])))
        sizes.reverse()
        self.layers = nn.Sequential(
            nn.Linear(code_dim, width * math.prod(sizes[0])),
            nn.Unflatten(1, (width, *sizes[0])),
            *(_Enlarging(width, size) for _, size in pairwise(sizes)),
            BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, codes: Tensor) -> Tensor:
        images: Tensor = self.layers(codes)
        return images


class _Enlarging(nn.Module):
    """BatchNorm, ReLU, enlarge, 3×3, BatchNorm, ReLU, 3×3, beside enlarge, 1×1."""

    def __init__(self, width: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.enlarge = nn.Upsample(size)
        self.first = nn.Sequential(BatchNorm2d(width), nn.ReLU())
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.past = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        through: Tensor = self.second(self.enlarge(self.first(x)))
        past: Tensor = self.past(self.enlarge(x))
        return through + past


class Critic(nn.Module):
    """D: two of (B, C, H, W) → (B,). No BatchNorm, as its features are the score."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            _Block(2 * channels, width, halved=True, activated=False),
            _Block(width, width, halved=True),
            _Block(width, width),
            _Block(width, width),
        )
        self.head = nn.Linear(width, 1)

    def features(self, first: Tensor, second: Tensor) -> Tensor:
        """f: the last ReLU, summed over places, (B, width)."""
        maps: Tensor = self.blocks(torch.cat([first, second], dim=1))
        return F.relu(maps).flatten(2).sum(dim=2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        values: Tensor = self.head(self.features(first, second)).squeeze(1)
        return values


class _Block(nn.Module):
    """Two 3×3 convolutions beside a 1×1 one (beside nothing where the size stays)."""

    def __init__(self, into: int, out: int, halved: bool = False, activated: bool = True) -> None:
        super().__init__()
        self.through = nn.Sequential(
            nn.ReLU() if activated else nn.Identity(),
            nn.Conv2d(into, out, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1),
        )
        self.past = nn.Conv2d(into, out, 1) if halved else nn.Identity()
        self.pool = nn.AvgPool2d(2) if halved else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(self.through(x)) + self.past(self.pool(x))
        return pooled
