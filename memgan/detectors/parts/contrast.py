"""How the networks see an image: grey levels as −1 to 1, or by each image's own mean and spread.

The second is global contrast normalisation, which Deep SVDD's figures for CIFAR-10 start from too
(Ruff et al. 2018). Pale and smooth images are rebuilt well whatever they show; this takes what
paleness does out of the score.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from memgan.data import Pixels
from memgan.detectors.parts.networks import to_signed

_SPREADS = 3.0
"""Standard deviations to either side of an image's mean that −1 to 1 stand for."""
_LEAST = 6.0
"""Grey levels that a standard deviation counts as at least: noise is not made an image."""


class Seen(NamedTuple):
    """Images as a network takes them, with what leads back to grey levels."""

    x: Tensor
    """(B, C, H, W)"""
    centre: Tensor | None = None
    """Mean grey level of each image, (B, 1, 1, 1); None for one scale for all images."""
    scale: Tensor | None = None
    """Grey levels from the centre to 1, likewise."""

    def to_grey(self, rebuilt: Tensor) -> Tensor:
        """What was made of x, (B, C, H, W), in grey levels from 0 to 255, not rounded."""
        if self.centre is None or self.scale is None:
            return signed_to_grey(rebuilt)
        return rebuilt * self.scale + self.centre


def see(pixels: Tensor, *, contrast_normalised: bool, dtype: torch.dtype = torch.float32) -> Seen:
    """pixels: (B, C, H, W), 0 to 255. `dtype` is that of contrast-normalised images."""
    if not contrast_normalised:
        return Seen(to_signed(pixels))
    grey = pixels.to(dtype)
    centre = grey.mean(dim=(1, 2, 3), keepdim=True)
    variance = ((grey - centre) ** 2).mean(dim=(1, 2, 3), keepdim=True)
    scale = _SPREADS * variance.sqrt().clamp_min(_LEAST)
    return Seen((grey - centre) / scale, centre, scale)


def signed_to_grey(images: Tensor) -> Tensor:
    """[−1, 1] to grey levels from 0 to 255, not rounded."""
    return (images + 1.0) * 127.5


def signed_to_pixels(images: Tensor) -> Pixels:
    """[−1, 1] to uint8."""
    scaled = signed_to_grey(images).round().clamp(0, 255)
    return scaled.to(torch.uint8).cpu().numpy()
