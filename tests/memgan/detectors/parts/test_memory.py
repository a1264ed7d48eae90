"""Addressing, projection, sampling and the hull."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from memgan.analysis.hull import distance_to_hull, exact_distance_to_hull
from memgan.detectors.parts.memory import (
    address,
    draw_dirichlet,
    project,
    sample_addresses,
    units_from_codes,
)
from memgan.errors import TrainingDiverged
from memgan.paper.drawing.square import CORNERS, settle_on_square


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


@pytest.mark.parametrize(
    ("units", "dim", "spread"),
    [
        (12, 16, 1.0),
        (30, 8, 0.5),
        (30, 8, 0.1),
        (50, 64, 0.3),
        (60, 4, 0.4),
        (3, 2, 0.5),
        (1, 3, 1),
    ],
)
def test_exact_distances_are_those_of_a_quadratic_program(
    units: int, dim: int, spread: float
) -> None:
    """scipy's non-negative least squares, a heavy row making the weights sum to 1."""
    rng = np.random.default_rng(units * dim)
    vertices = rng.normal(size=(units, dim))
    # Some outside, some inside, some on a face, and a vertex itself.
    mixed = rng.dirichlet(np.ones(units), 10) @ vertices
    points = np.concatenate([spread * rng.normal(size=(30, dim)), mixed, vertices[:1]])
    heavy = np.full((1, units), 1e4)
    expected = []
    for point in points:
        weights, _ = nnls(np.concatenate([vertices.T, heavy]), np.append(point, 1e4))
        expected.append(np.linalg.norm(weights / weights.sum() @ vertices - point))

    found = exact_distance_to_hull(torch.from_numpy(points), torch.from_numpy(vertices))

    np.testing.assert_allclose(found.distance.numpy(), expected, atol=1e-5)
    assert (found.at_least <= found.distance).all()
    assert (found.distance - found.at_least).max().item() < 2e-5
    assert (found.distance[-11:] < 1e-5).all()


def test_distances_to_a_hull_without_extent_are_exact() -> None:
    line = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    points = torch.tensor([[1.0, 3.0], [-3.0, 4.0], [1.5, 0.0]])

    found = exact_distance_to_hull(points, line).distance

    assert found.tolist() == pytest.approx([3.0, 5.0, 0.0], abs=1e-5)


@pytest.mark.parametrize("units", [4, 8])
def test_memory_units_settle_at_the_corners_of_a_square(units: int) -> None:
    """Fig. 2: units that rebuild points of [−1, 1]², and whose combinations stay in the hull of
    the points, end near its vertices."""
    start, settled = settle_on_square(units, seed=0)
    assert torch.cdist(CORNERS, settled).amin(dim=1).max().item() < 0.05
    assert distance_to_hull(settled, CORNERS).max().item() < 0.05
    assert distance_to_hull(start, CORNERS).max().item() > 0.3


def test_a_scale_sharpens_addresses_and_one_is_the_papers() -> None:
    codes, memory = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert torch.equal(address(codes, memory, 1.0), torch.softmax(codes @ memory.T, dim=1))
    assert address(codes, memory, 5.0)[0, 0] == pytest.approx(1 / (1 + math.exp(-5)))


@pytest.mark.parametrize("concentration", [0.001, 0.1, 10.0])
def test_dirichlet_addresses_lie_on_the_simplex(concentration: float) -> None:
    generator = torch.Generator().manual_seed(0)
    a = draw_dirichlet(2000, 4, concentration=concentration, generator=generator)
    assert a.isfinite().all()
    assert (a >= 0).all()
    torch.testing.assert_close(a.sum(dim=1), torch.ones(2000))
    torch.testing.assert_close(a.mean(dim=0), torch.full((4,), 0.25), atol=0.04, rtol=0)
    # Var aᵢ = (1/n)(1 − 1/n) / (nc + 1)
    by_hand = 0.25 * 0.75 / (4 * concentration + 1)
    assert a.var(dim=0).mean().item() == pytest.approx(by_hand, rel=0.1)


def test_units_from_codes_lie_where_codes_do_and_as_far_apart_as_a_normal_start() -> None:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    codes = np.repeat(corners, 10, axis=0) + np.random.default_rng(0).normal(0, 1e-3, (40, 2))
    units = units_from_codes(codes, 4, std=3.0, seed=1)
    apart = units - units.mean(axis=0)
    assert np.sqrt((apart**2).sum(axis=1).mean()) == pytest.approx(3 * math.sqrt(2))
    np.testing.assert_allclose(np.sort(np.abs(apart).ravel()), 3.0, rtol=0.01)  # Still a square.
    np.testing.assert_array_equal(units, units_from_codes(codes, 4, std=3.0, seed=1))


@pytest.mark.parametrize("codes", [np.zeros((5, 2)), np.eye(2)])
def test_fewer_different_codes_than_units_still_give_different_units(codes: np.ndarray) -> None:
    units = units_from_codes(codes, 6, std=1.0, seed=0)
    assert units.shape == (6, 2)
    assert len(np.unique(units, axis=0)) == 6


def test_codes_that_are_not_finite_are_a_training_that_diverged() -> None:
    codes = np.full((20, 3), np.nan, dtype=np.float32)
    with pytest.raises(TrainingDiverged, match="lower the learning rate"):
        units_from_codes(codes, 4, std=1, seed=0)
