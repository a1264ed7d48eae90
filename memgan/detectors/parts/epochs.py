"""One pass over the training images in shuffled batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from memgan.data import Pixels
from memgan.detectors.parts.batches import batch_count


def mean_losses(
    images: Pixels,
    step: Callable[[Tensor], dict[str, Tensor]],
    *,
    batch_size: int,
    shuffling: torch.Generator,
    device: torch.device,
) -> dict[str, float]:
    """Take `step` on every batch; the means of the losses it gives, by name.

    images: uint8 (N, C, H, W), N at least 2, cut as `batch_count` says, in an order drawn from
    `shuffling`.
    step: of pixels on `device` to detached losses.
    """
    resident = torch.tensor(images, device=device)
    batches = shuffled_batches(len(images), batch_size, shuffling, device)
    totals: dict[str, Tensor] = {}
    for batch in batches:
        for loss, value in step(resident[batch]).items():
            totals[loss] = totals.get(loss, torch.zeros((), device=device)) + value
    return {loss: float(total) / len(batches) for loss, total in totals.items()}


def shuffled_batches(
    count: int, batch_size: int, shuffling: torch.Generator, device: torch.device
) -> tuple[Tensor, ...]:
    """The places of `count` images in a new order, cut as `batch_count` says, on the device: a copy
    to a GPU in each step would be a wait in each step."""
    order = torch.randperm(count, generator=shuffling).to(device)
    return order.tensor_split(batch_count(count, batch_size))
