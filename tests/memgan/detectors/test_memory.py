"""Addressing, projection, sampling and the hull."""

from __future__ import annotations

import math

import pytest
import torch

from memgan.detectors.hull import distance_to_hull, hull_loss
from memgan.detectors.losses import projection_loss
from memgan.detectors.memory import address, project, sample_addresses


def test_address_is_the_softmax_of_dot_products() -> None:
    memory = torch.tensor([[math.log(2.0), 0.0], [0.0, 5.0]])
    weights = address(torch.tensor([[1.0, 0.0]]), memory)
    assert weights.tolist() == [pytest.approx([2 / 3, 1 / 3])]


def test_projection_is_the_convex_combination_by_the_address() -> None:
    memory = torch.tensor([[math.log(2.0), 0.0], [0.0, 5.0]])
    projected = project(torch.tensor([[1.0, 0.0]]), memory)
    assert projected.tolist() == [pytest.approx([2 / 3 * math.log(2.0), 5 / 3])]


def test_sampled_addresses_lie_on_the_simplex_and_sharpen() -> None:
    def sampled(sharpness: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        return sample_addresses(500, 50, sharpness=sharpness, generator=generator)

    soft, sharp = sampled(1.0), sampled(3.0)
    assert torch.allclose(soft.sum(dim=1), torch.ones(500))
    assert (soft >= 0).all()
    # The prototype's figures: 0.13 for N(0, 1) and 0.54 at three times the sharpness or so.
    assert soft.amax(dim=1).mean().item() == pytest.approx(0.13, abs=0.02)
    assert sharp.amax(dim=1).mean().item() == pytest.approx(0.54, abs=0.05)


def test_distance_to_the_hull_is_zero_inside_and_exact_outside() -> None:
    square = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    points = torch.tensor([[0.3, -0.8], [2.0, 0.0], [2.0, 2.0], [0.5, -4.0]])
    expected = [0.0, 1.0, math.sqrt(2.0), 3.0]
    assert distance_to_hull(points, square).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("units", [4, 8])
def test_memory_units_settle_at_the_corners_of_a_square(units: int) -> None:
    """Fig. 2: units that rebuild points of [−1, 1]², and whose combinations stay in the hull of
    the points, end near its vertices."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    memory = torch.nn.Parameter(torch.randn(units, 2, generator=generator))
    optimiser = torch.optim.Adam([memory], lr=0.03)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, total_iters=600)
    for _ in range(600):
        points = 2 * torch.rand(64, 2, generator=generator) - 1
        addresses = sample_addresses(64, units, sharpness=5.0, generator=generator)
        loss = projection_loss(points, project(points, memory))
        loss = loss + hull_loss(addresses @ memory, corners, weight=5.0, steps=30)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    settled = memory.detach()
    assert torch.cdist(corners, settled).amin(dim=1).max().item() < 0.05
    assert distance_to_hull(settled, corners).max().item() < 0.05
