"""BatchNorm told straight: statistics of the path that scoring takes, from training images."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from memgan.data import Pixels

_BATCH = 256


@torch.no_grad()
def renew_statistics(
    parts: nn.Module,
    images: Pixels,
    pass_through: Callable[[Tensor], object],
    device: torch.device,
) -> None:
    """Forget the running statistics in `parts` and gather them anew over `images`, uint8
    (N, C, H, W), batch by batch through `pass_through`, which is given pixels on `device`. Leaves
    `parts` in evaluation mode."""
    for part in parts.modules():
        if isinstance(part, _BatchNorm):
            part.reset_running_stats()
    parts.train()
    # Near-equal parts, so that the plain mean over batches is the mean over images.
    for batch in np.array_split(images, math.ceil(len(images) / _BATCH)):
        pass_through(torch.tensor(batch, device=device))
    parts.eval()
