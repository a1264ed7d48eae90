"""Training images as near-equal batches, and any images through a network a few at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.machine import computed_in

_BATCH = 256


def batch_count(images: int, batch_size: int) -> int:
    """Into how many near-equal batches no larger than `batch_size` so many images are cut.

    Each has two images at least, as BatchNorm needs: with a size of 2 and an odd number of
    images, one has three. images: at least 2.
    """
    return min(math.ceil(images / batch_size), images // 2)


@torch.no_grad()
def in_batches(
    function: Callable[[Tensor], Tensor],
    images: npt.NDArray[Any],
    device: torch.device,
    at_once: int = _BATCH,
) -> npt.NDArray[Any]:
    """What `function` gives of images or vectors, (N, …) on `device`, joined; no gradients, and
    computed in fp32, whatever a training around it is computed in."""
    # Near-equal ones: a last one of one image is none that BatchNorm in training could take.
    parts = np.array_split(images, max(1, math.ceil(len(images) / at_once)))
    with computed_in("fp32", device):
        found = [function(torch.tensor(part, device=device)).cpu().numpy() for part in parts]
    return np.concatenate(found)


def output_of(
    scorer: nn.Module,
    images: npt.NDArray[Any],
    device: torch.device,
    at_once: int = _BATCH,
    *,
    output: int = 0,
) -> npt.NDArray[Any]:
    """One of a scorer's outputs for images, (N, …), as `in_batches`: 0 the scores, then what more
    it gives."""
    return in_batches(lambda pixels: scorer(pixels)[output], images, device, at_once)
