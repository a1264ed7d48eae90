"""Quarter turns of square images, and what is done at random to an image before it is turned.

That a network which names the turn of an image learns what the image shows is from Gidaris et al.,
"Unsupervised representation learning by predicting image rotations" (arXiv 1803.07728).
"""

from __future__ import annotations

import torch
from torch import Tensor

TURNS = 4

_SHIFT = 8
"""Images are shifted by up to their side over this."""
_CONTRAST, _BRIGHTNESS = 0.4, 0.3
_GREY = 0.2
"""The share of colour images that are shown in grey."""


def turned(images: Tensor, turn: int) -> Tensor:
    """Images (B, C, S, S) after `turn` quarter turns, 0 to 3."""
    if turn == 0:
        return images
    if turn == 1:
        return images.transpose(2, 3).flip(2)
    if turn == 2:
        return images.flip((2, 3))
    return images.transpose(2, 3).flip(3)


def each_turned(images: Tensor, which: Tensor) -> Tensor:
    """Each of images (B, C, S, S) by its own number of quarter turns, (B,)."""
    places = which.view(-1, 1, 1, 1)
    found = images
    for turn in range(1, TURNS):
        found = torch.where(places == turn, turned(images, turn), found)
    return found


def jittered(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images (B, C, S, S) in [−1, 1] as other photographs of the same: half of them mirrored,
    shifted, with another contrast and brightness, and some in grey. generator: on the CPU."""

    def draw(low: float, high: float) -> Tensor:
        drawn = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device)
        return low + (high - low) * drawn

    images = torch.where(draw(0, 1) < 0.5, images.flip(3), images)
    images = _shifted(images, draw(-1, 1).flatten(), draw(-1, 1).flatten())
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    contrast = draw(1 - _CONTRAST, 1 + _CONTRAST)
    images = (images - mean) * contrast + mean + draw(-_BRIGHTNESS, _BRIGHTNESS)
    grey = draw(0, 1) < _GREY
    return torch.where(grey, images.mean(dim=1, keepdim=True), images)


def _shifted(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Each image moved by whole pixels; down, right: (B,), from −1 to 1, of the largest shift. What
    comes in at a border is the image's reflection there."""
    count, channels, side, _ = images.shape
    rows, columns = (_reflected(side, share * (side // _SHIFT)) for share in (down, right))
    moved = images.gather(2, rows.view(count, 1, side, 1).expand_as(images))
    return moved.gather(3, columns.view(count, 1, 1, side).expand(count, channels, side, side))


def _reflected(side: int, shifts: Tensor) -> Tensor:
    """From which place each place of a line is taken, (B, side), for shifts (B,) in pixels."""
    places = torch.arange(side, device=shifts.device) + shifts.round().to(torch.int64)[:, None]
    places = places.abs()
    return torch.where(places < side, places, 2 * (side - 1) - places)
