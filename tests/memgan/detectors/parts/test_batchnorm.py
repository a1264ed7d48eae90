"""BatchNorm: each batch by itself in training, gathered statistics in scoring."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from memgan.detectors.parts.batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    even_batches,
    renew_statistics,
)

CPU = torch.device("cpu")


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) + 1


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (BatchNorm1d(3), nn.BatchNorm1d(3, momentum=None), (8, 3)),
        (BatchNorm2d(3), nn.BatchNorm2d(3, momentum=None), (8, 3, 5, 4)),
        (
            BatchNorm2d(3, affine=False),
            nn.BatchNorm2d(3, momentum=None, affine=False),
            (8, 3, 2, 2),
        ),
    ],
)
def test_training_is_that_of_torch_and_leaves_no_trace(
    ours: nn.Module, theirs: nn.Module, shape: tuple[int, ...]
) -> None:
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    x = drawn(*shape)

    assert torch.equal(ours(x), theirs(x))
    for name, value in ours.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_what_it_was_trained_with_by_torch_loads_and_goes_on() -> None:
    theirs, ours = nn.BatchNorm2d(3, momentum=None), BatchNorm2d(3)
    for seed in range(3):
        theirs(drawn(8, 3, 4, 4, seed=seed))

    ours.load_state_dict(theirs.state_dict())

    x = drawn(8, 3, 4, 4, seed=9)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_statistics_for_scoring_are_the_mean_over_the_training_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 3, 2, 2), dtype=np.uint8)
    model = nn.Sequential(_AsNumbers(), BatchNorm2d(3))
    for _ in range(2):  # The second time, what the first left is forgotten.
        renew_statistics(model, even_batches(images, CPU))

    norm = model[1]
    assert isinstance(norm, BatchNorm2d)
    expected = images.astype(np.float64).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(norm.running_mean, expected, rtol=1e-5)
    assert not model.training
    assert norm.momentum is not None  # Training after it leaves no trace either.


class _AsNumbers(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.to(torch.float32)
