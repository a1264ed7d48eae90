"""Geometric transformations of images, and the network that tells which of them was applied.

The idea is that of Golan and El-Yaniv, "Deep anomaly detection using geometric transformations"
(arXiv 1805.10917): a network that has learned to name the transformation of normal images names
it less surely of others. Here all are affine maps of the plane, so that a matrix says all of one.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.detectors.parts.batchnorm import BatchNorm1d, BatchNorm2d

Kind = Literal["turns", "turns-and-shifts", "affine"]
_Matrix = npt.NDArray[np.float64]

_DRAWN_BY = 7
"""Seeds the affine maps: the same for every class and seed, as they are part of the method."""
_TURNS = (0.0, 90.0, 180.0, 270.0)
_SHIFTS = ((0.0, 0.0), (0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5))
"""Of half a side: a quarter of the image."""


def warp_matrices(kind: Kind, count: int) -> Tensor:
    """Affine maps (K, 2, 3) from where a pixel comes to lie to where it is taken from, in
    coordinates from −1 to 1; the first is the identity.

    turns: the four quarter turns. turns-and-shifts: each of them as it is, and shifted a quarter
    of the image to any of four sides. affine: `count` random ones, of turns, mirroring, shear,
    stretching and small shifts, for images such as a 0 that a turn leaves as they are.
    """
    if kind == "affine":
        return _stacked(_affine(count))
    shifts = _SHIFTS if kind == "turns-and-shifts" else _SHIFTS[:1]
    return _stacked([_with_shift(_turn(turn), *shift) for turn in _TURNS for shift in shifts])


def warp_count(kind: Kind, count: int) -> int:
    """How many maps `warp_matrices` gives."""
    return {"turns": 4, "turns-and-shifts": 20, "affine": count}[kind]


def _affine(count: int) -> list[_Matrix]:
    rng = np.random.default_rng(_DRAWN_BY)
    drawn = [_with_shift(np.eye(2), 0.0, 0.0)]
    while len(drawn) < count:
        turn = _turn(rng.choice(_TURNS) + rng.uniform(-15, 15))
        shear = np.array([[1.0, rng.uniform(-0.6, 0.6)], [0.0, 1.0]])
        stretch = np.diag(np.exp(rng.uniform(-0.3, 0.3, 2)))
        mirror = np.diag([rng.choice([1.0, -1.0]), 1.0])
        drawn.append(_with_shift(turn @ shear @ stretch @ mirror, *rng.uniform(-0.2, 0.2, 2)))
    return drawn


def _turn(degrees: float) -> _Matrix:
    angle = math.radians(degrees)
    return np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=np.float64
    )


def _with_shift(linear: _Matrix, x: float, y: float) -> _Matrix:
    return np.column_stack([linear, [x, y]])


def _stacked(matrices: list[_Matrix]) -> Tensor:
    return torch.from_numpy(np.stack(matrices)).to(torch.float32)


def warp_grids(matrices: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    """Where each pixel is taken from, (K, H, W, 2), as `warped` wants it."""
    return F.affine_grid(matrices, [len(matrices), *image_shape], align_corners=False)


def warped(images: Tensor, grids: Tensor) -> Tensor:
    """images (B, C, H, W) each by its own grid of (B, H, W, 2). What lies outside of an image is
    its reflection: an edge would give a shift away whatever the image shows."""
    return F.grid_sample(images, grids, padding_mode="reflection", align_corners=False)


class WarpNet(nn.Module):
    """(B, C, H, W) in [−1, 1] → logits over K transformations, (B, K). Images from 8×8 up."""

    def __init__(self, image_shape: tuple[int, int, int], warps: int, width: int) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        layers: list[nn.Module] = []
        for out in (width, 2 * width, 4 * width):
            layers += [
                nn.Conv2d(channels, out, 4, stride=2, padding=1, bias=False),
                BatchNorm2d(out),
                nn.LeakyReLU(0.1),
            ]
            channels, height, breadth = out, height // 2, breadth // 2
        hidden = 8 * width
        layers += [
            nn.Flatten(),
            nn.Linear(channels * height * breadth, hidden, bias=False),
            BatchNorm1d(hidden),
            nn.LeakyReLU(0.1),
            nn.Linear(hidden, warps),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits


def start(module: nn.Module, generator: torch.Generator) -> None:
    """Weights uniform within ±1/√(inputs), as torch starts layers, by a generator of its own."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(part.weight[0].numel())
            nn.init.uniform_(part.weight, -bound, bound, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def surprise(logits: Tensor, which: int) -> Tensor:
    """−log of the share that logits (B, K) give the transformation `which`, float64 (B,)."""
    return -F.log_softmax(logits.to(torch.float64), dim=1)[:, which]


def one_cycle(done: float) -> float:
    """Share of the peak learning rate when a share `done` of all steps is done: up a cosine over
    the first third, down another over the rest, and a thousandth after the end."""
    if done < 0.3:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * done / 0.3)) / 2
    return max(1e-3, (1 + math.cos(math.pi * min(1.0, (done - 0.3) / 0.7))) / 2)
