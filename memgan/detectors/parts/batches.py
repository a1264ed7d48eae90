"""Training images as near-equal batches, and any images through a network a few at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from memgan.data import Pixels

_BATCH = 256


def batch_count(images: int, batch_size: int) -> int:
    """Into how many near-equal batches no larger than `batch_size` so many images are cut.

    Each has two images at least, as BatchNorm needs: with a size of 2 and an odd number of
    images, one has three. images: at least 2.
    """
    return min(math.ceil(images / batch_size), images // 2)


@torch.no_grad()
def in_batches(
    function: Callable[[Tensor], Tensor], images: Pixels, device: torch.device
) -> npt.NDArray[Any]:
    """What `function` gives of pixels, uint8 (N, C, H, W) on `device`, joined; no gradients."""
    starts = range(0, max(1, len(images)), _BATCH)
    parts = (torch.tensor(images[at : at + _BATCH], device=device) for at in starts)
    return np.concatenate([function(part).cpu().numpy() for part in parts])
