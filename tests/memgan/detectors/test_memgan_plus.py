"""MEMGAN plus: what its head is shown, and that each part stands or falls by its weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from memgan.config.parameters import MemganPlusParameters, make_parameters
from memgan.data import Pixels
from memgan.detectors.memgan_plus import MemganPlus
from memgan.detectors.warping.warps import one_cycle, warp_count, warp_grids, warp_matrices, warped
from memgan.errors import ConfigError

_SMALL = {
    "epochs": 2,
    "batch_size": 32,
    "width": 2,
    "memory_units": 4,
    "memory_dim": 4,
    "warp_count": 5,
    "warp_width": 2,
}


def distinct_images() -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (120, 1, 8, 8), dtype=np.uint8)


def make(**values: Any) -> MemganPlus:
    return MemganPlus(
        MemganPlusParameters(**{**_SMALL, **values}),
        image_shape=(1, 8, 8),
        seed=3,
        device=torch.device("cpu"),
    )


def fitted(images: Pixels, **values: Any) -> MemganPlus:
    detector = make(**values)
    detector.fit_epoch(images)
    detector.prepare_to_score(images)
    return detector


@pytest.mark.parametrize("kind", ["turns", "turns-and-shifts", "affine"])
def test_transformations_are_as_many_as_said_all_different_and_start_with_none(kind: Any) -> None:
    matrices = warp_matrices(kind, 9)
    images = torch.rand(2, 3, 8, 12)
    grid = warp_grids(matrices, (3, 8, 12))[:1]

    assert len(matrices) == warp_count(kind, 9)
    assert len({tuple(matrix.flatten().tolist()) for matrix in matrices}) == len(matrices)
    torch.testing.assert_close(warped(images, grid.expand(2, -1, -1, -1)), images)


def test_quarter_turns_are_exact() -> None:
    images = torch.rand(1, 1, 8, 8)
    grids = warp_grids(warp_matrices("turns", 0), (1, 8, 8))

    turned = [warped(images, grid[None]) for grid in grids]

    for image, expected in zip(turned, (0, 1, 2, 3), strict=True):
        torch.testing.assert_close(image, torch.rot90(images, expected, (2, 3)))


def test_the_learning_rate_rises_falls_and_stays_low_after_the_last_step() -> None:
    rates = [one_cycle(step / 100) for step in range(100)]

    assert max(rates) == pytest.approx(1.0)
    assert rates[0] < 0.1
    assert rates[-1] < 0.01
    assert 0 < one_cycle(3.0) < 0.01


def test_a_part_of_weight_0_is_not_made_and_the_other_scores_alone() -> None:
    images = distinct_images()
    both = fitted(images, residual_weight=0.5, surprise_weight=2.0)
    residual = fitted(images, residual_weight=0.5, surprise_weight=0)
    surprise = fitted(images, residual_weight=0, surprise_weight=2.0)

    assert not any(name.startswith("head") for name in residual.weights())
    assert not any(name.startswith("memgan") for name in surprise.weights())
    assert surprise.rebuild(images) is None
    np.testing.assert_allclose(
        both.score(images), residual.score(images) + surprise.score(images), rtol=1e-6
    )


def test_no_part_learns_from_the_images_that_the_spreads_are_taken_from() -> None:
    images = distinct_images()
    detector = make()
    learned, held_out = detector._divided(images)
    changed = images.copy()
    for image in held_out:
        changed[(changed == image).all(axis=(1, 2, 3))] = 0

    first, second = fitted(images), fitted(changed)

    assert len(held_out) == 6
    assert len(learned) == 114
    assert not torch.equal(first.spreads, second.spreads)
    for name, value in first.weights().items():
        assert name == "spreads" or torch.equal(value, second.weights()[name]), name


def test_a_detector_without_any_part_is_refused() -> None:
    with pytest.raises(ConfigError, match="both 0"):
        make_parameters("memgan-plus", {"residual_weight": 0, "surprise_weight": 0}, "test")
