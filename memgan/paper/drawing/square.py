"""Fig. 2: memory units that learn points of the square [−1, 1]² by Eq. 9 settle at its corners."""

from __future__ import annotations

import torch
from torch import Tensor

from memgan.analysis import hull_loss
from memgan.detectors import project, projection_loss, sample_addresses

CORNERS = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
_STEPS, _BATCH = 600, 64


def settle_on_square(units: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Units before and after, (units, 2) each: they rebuild points of the square, and their
    combinations pay for leaving it. The indicator of Eq. 9 has no gradient; a distance has."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(units, 2, generator=generator)
    memory = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.Adam([memory], lr=0.03)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, total_iters=_STEPS)
    for _ in range(_STEPS):
        points = 2 * torch.rand(_BATCH, 2, generator=generator) - 1
        addresses = sample_addresses(_BATCH, units, sharpness=5.0, generator=generator)
        loss = projection_loss(points, project(points, memory))
        loss = loss + hull_loss(addresses @ memory, CORNERS, weight=5.0, steps=30)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        decay.step()
    return start, memory.detach()
