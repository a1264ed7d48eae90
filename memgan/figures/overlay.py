"""An image with its map laid over it, on one scale for all images of a bundle."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memgan.data import Maps, Pixels

if TYPE_CHECKING:
    from memgan.bundle import Bundle

_COLOURS = "inferno"
"""Perceptually uniform, in order also without colour, and readable for the colour-blind."""
_ABOVE_MARK = 2.0
"""The top of the scale, as a multiple of what normal images have."""
_GREYS = 255.0
_DIMMED = 0.6
"""Of an image below its map, so that white is not taken for heat."""


class Scale(NamedTuple):
    """Values of a map: up to the mark, normal images have them too; at the top the colour ends."""

    mark: float | None
    top: float


def scale_of(bundle: Bundle) -> Scale:
    """The scale of a bundle's maps."""
    calibration = bundle.calibration
    mark = calibration.normal_map or calibration.normal_residual
    top = _GREYS if mark is None else _ABOVE_MARK * mark
    return Scale(mark, top if calibration.normal_map is not None else min(_GREYS, top))


def overlay(seen: Pixels, heat: Maps, scale: Scale) -> Pixels:
    """uint8 (H, W, 3) of an image, uint8 (H, W, 3), and its map, (H, W)."""
    share = np.clip(heat / scale.top, 0, 1)
    colour = colours()[(share * 255).round().astype(np.uint8)]
    opaque = np.clip(heat / (scale.mark or scale.top), 0, 1)[..., None]
    mixed = opaque * colour + (1 - opaque) * _DIMMED * seen
    laid: Pixels = mixed.round().astype(np.uint8)
    return laid


@functools.cache
def colours() -> Pixels:
    """The colour map, uint8 (256, 3)."""
    from matplotlib import colormaps

    table: Pixels = colormaps[_COLOURS](np.arange(256), bytes=True)[:, :3]
    return table
