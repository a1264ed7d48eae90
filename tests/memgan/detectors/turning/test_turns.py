"""Quarter turns, and what is done to an image before."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from memgan.detectors.turning.turns import TURNS, each_turned, jittered, turned


@pytest.fixture
def images() -> Tensor:
    return torch.rand(12, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_turn_is_a_quarter_of_the_circle(images: Tensor, turn: int) -> None:
    assert torch.equal(turned(images, turn), torch.rot90(images, turn, (2, 3)))


def test_each_image_is_turned_by_its_own(images: Tensor) -> None:
    which = torch.arange(12) % TURNS
    found = each_turned(images, which)
    for place, turn in enumerate(which.tolist()):
        assert torch.equal(found[place], torch.rot90(images[place], turn, (1, 2)))


def test_jitter_follows_its_generator_and_leaves_the_images_themselves(images: Tensor) -> None:
    before = images.clone()
    first, again, other = (jittered(images, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
    assert first.shape == images.shape
    assert first.isfinite().all()


def test_images_are_shifted_by_an_eighth_at_most_and_reflected_at_the_border() -> None:
    ramp = torch.linspace(-1, 1, 16).expand(200, 1, 16, 16)
    found = jittered(ramp, torch.Generator().manual_seed(0))
    # Contrast and brightness change the line of values, but not where its values come from.
    steps = found[:, 0, 8].diff(dim=1).abs()
    steepest = steps.amax(dim=1, keepdim=True)
    moved = (steps < 0.5 * steepest).sum(dim=1)
    turning = found[:, 0, 8].diff(dim=1).sign().diff(dim=1).ne(0).sum(dim=1)
    assert (moved <= 1).all()
    assert (turning <= 1).all()
    assert turning.sum() > 0
