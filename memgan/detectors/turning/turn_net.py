"""A small residual network that names by how many quarter turns an image was turned."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.detectors.parts.batchnorm import BatchNorm2d
from memgan.detectors.turning.turns import TURNS


class TurnNet(nn.Module):
    """(B, C, S, S) in [−1, 1] → logits over the four quarter turns, (B, 4). S at least 8."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1, bias=False),
            BatchNorm2d(width),
            nn.ReLU(),
            _Block(width, width),
            _Block(width, 2 * width, stride=2),
            _Block(2 * width, 4 * width, stride=2),
        )
        self.head = nn.Linear(4 * width, TURNS)
        self.count = 4 * width

    def features(self, images: Tensor) -> Tensor:
        """What the head sees: means over places, (B, 4·width)."""
        means: Tensor = self.body(images).mean(dim=(2, 3))
        return means

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


class _Block(nn.Module):
    """Two convolutions, added to what came in (arXiv 1512.03385)."""

    def __init__(self, given: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(given, channels, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([BatchNorm2d(channels), BatchNorm2d(channels)])
        self.around: nn.Module = nn.Identity()
        if stride > 1 or given != channels:
            self.around = nn.Conv2d(given, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        made = F.relu(self.norms[0](self.first(x)))
        return torch.relu(self.norms[1](self.second(made)) + self.around(x))
