"""Extremes are the images at the ends of the scores, whatever there is of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from memgan.analysis.extremes import find_extremes
from memgan.config.parameters import make_parameters
from memgan.data.images import Pixels
from memgan.detectors import Detector, build_detector


def numbered(count: int, side: int = 8) -> Pixels:
    """Images that are told apart by their grey level, uint8 (count, 1, side, side)."""
    levels = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(levels, (count, 1, side, side)).copy()


def fitted(name: str, images: Pixels) -> Detector:
    detector = build_detector(
        name,
        make_parameters(name, {}, "test"),
        image_shape=images.shape[1:],
        seed=0,
        device=torch.device("cpu"),
    )
    detector.fit_epoch(images)
    return detector


def test_each_end_has_its_five_in_the_order_of_their_scores() -> None:
    images = numbered(60)
    scores, anomalous = np.arange(60.0)[::-1], np.arange(60) >= 30

    found = find_extremes(fitted("pca", images), images, scores, anomalous)

    levels = found.images[:, 0, 0, 0].reshape(4, 5).tolist()
    assert levels == [
        [29, 28, 27, 26, 25],
        [4, 3, 2, 1, 0],
        [59, 58, 57, 56, 55],
        [34, 33, 32, 31, 30],
    ]
    assert found.ends.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    assert found.scores.tolist() == [scores[level] for level in np.ravel(levels)]
    assert found.rebuilt is not None
    assert found.rebuilt.dtype == np.uint8
    np.testing.assert_allclose(found.rebuilt, found.images, atol=1)  # PCA holds all of these


def test_outermost_are_those_nearest_to_the_ends() -> None:
    images = numbered(40)
    found = find_extremes(
        fitted("pca", images), images, np.arange(40.0), np.arange(40) >= 20
    ).outermost(2)

    assert found.images[:, 0, 0, 0].tolist() == [0, 1, 18, 19, 20, 21, 38, 39]
    assert found.rebuilt is not None
    assert len(found.rebuilt) == len(found.ends) == 8


@pytest.mark.parametrize("anomalies", [0, 1, 3])
def test_no_image_stands_at_both_ends(anomalies: int) -> None:
    images = numbered(4)
    flags = np.arange(4) < anomalies

    found = find_extremes(fitted("pca", images), images, np.arange(4.0), flags)

    assert sorted(found.images[:, 0, 0, 0].tolist()) == [0, 1, 2, 3]


def test_a_detector_that_rebuilds_nothing_leaves_the_originals() -> None:
    images = numbered(8)

    found = find_extremes(fitted("neighbours", images), images, np.arange(8.0), np.arange(8) >= 4)

    assert found.rebuilt is None
    assert len(found.images) == 8


def test_large_images_are_kept_small() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 100, 200), dtype=np.uint8)

    found = find_extremes(fitted("pca", images), images, np.arange(6.0), np.arange(6) >= 3)

    assert found.images.shape == (6, 3, 32, 64)
    assert found.rebuilt is not None
    assert found.rebuilt.shape == (6, 3, 32, 64)
