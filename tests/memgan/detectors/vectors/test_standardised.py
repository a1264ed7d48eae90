"""Vectors are standardised by the training images, and computed once for all epochs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from memgan.data import Pixels
from memgan.detectors.vectors.standardised import Floats, Standardised

CPU = torch.device("cpu")


class FirstRow(nn.Module):
    """The first row of pixels as a vector, and how often that was asked for."""

    count = 8
    asked = 0

    def of(self, images: Pixels) -> Floats:
        self.asked += 1
        found: Floats = self(torch.from_numpy(images)).numpy()
        return found

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :].to(torch.float32)


@pytest.fixture
def images() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (50, 1, 8, 8), dtype=np.uint8)


def test_training_vectors_have_mean_0_and_spread_1_and_others_the_same_scale(
    images: Pixels,
) -> None:
    vectors = Standardised(FirstRow(), CPU)
    vectors.learn(images[:40])
    rows = vectors.rows(images[:40])
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(axis=0), 1, rtol=1e-5)
    traced = vectors(torch.from_numpy(images[40:])).numpy()
    np.testing.assert_allclose(vectors.rows(images[40:]), traced, rtol=1e-6)


def test_a_value_that_hardly_varies_in_training_is_not_blown_up(images: Pixels) -> None:
    images[:, 0, 0, 0] = 7
    vectors = Standardised(FirstRow(), CPU)
    vectors.learn(images)
    other = images[:1].copy()
    other[0, 0, 0, 0] = 8
    assert abs(vectors.rows(other)[0, 0]) < 1


def test_images_that_are_all_the_same_give_vectors_of_0(images: Pixels) -> None:
    vectors = Standardised(FirstRow(), CPU)
    same = np.repeat(images[:1], 5, axis=0)
    vectors.learn(same)
    np.testing.assert_array_equal(vectors.rows(same), 0)


def test_training_vectors_are_kept_whatever_is_looked_at_between(images: Pixels) -> None:
    source = FirstRow()
    vectors = Standardised(source, CPU)
    vectors.rows(images, keep=True)
    vectors.rows(images[:3])
    vectors.rows(images, keep=True)
    assert source.asked == 2
    vectors.load(vectors.state())
    vectors.rows(images, keep=True)
    assert source.asked == 3
