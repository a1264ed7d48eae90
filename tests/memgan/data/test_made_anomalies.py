"""Anomalies made from normals: repeatable, of the right form, and from held-out images alone."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.config import DataConfig
from memgan.configuration import Configuration
from memgan.data import LabeledImages, Pixels, Source, Split
from memgan.data.made_anomalies import CHANGES, Change, make_anomalies, with_made_anomalies
from memgan.data.split import make_split
from memgan.training import Training


def gradients(count: int, shape: tuple[int, int, int] = (1, 12, 12)) -> Pixels:
    """Images that are brighter downwards and rightwards, each a little different."""
    channels, height, width = shape
    slope = np.linspace(0, 1, height)[:, None] + np.linspace(0, 1, width)
    scale = np.random.default_rng(3).uniform(60, 120, (count, channels, 1, 1))
    return (scale * slope).astype(np.uint8)


def split_of(images: Pixels) -> Split:
    train = LabeledImages(images, np.zeros(len(images), np.int64), ("good",))
    return make_split(Source("normals", train, None), DataConfig())


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 9), (4, 8, 30)])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_normal_gives_one_of_each_kind_that_differs_from_it(
    shape: tuple[int, int, int], count: int
) -> None:
    normals = gradients(count, shape)

    made = make_anomalies(normals, np.random.default_rng(0))

    assert made.shape == (len(CHANGES) * count, *shape)
    assert made.dtype == np.uint8
    originals = np.concatenate([normals] * len(CHANGES))
    assert (made != originals).any(axis=(1, 2, 3)).all()


def test_the_same_seed_gives_the_same_and_another_gives_others() -> None:
    split = split_of(gradients(40))

    first, again, other = (
        with_made_anomalies(split, ["good"], seed).development.made_anomalies for seed in (0, 0, 1)
    )

    assert first is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(first["good"], again["good"])
    assert (first["good"] != other["good"]).any()


def test_images_that_learning_or_testing_uses_have_no_part_in_them() -> None:
    """Only held-out normals are touched: were all others replaced, the same would be made."""
    split = split_of(gradients(40))
    black = np.zeros_like(split.development.train.images)
    train = LabeledImages(black, split.development.train.labels, ("good",))
    development = type(split.development)(train, split.development.validation)
    other = Split("other", development, split.test.take(np.arange(1)), split.hash)

    made, without = (
        with_made_anomalies(s, ["good"], 0).development.made_anomalies for s in (split, other)
    )

    assert made is not None
    assert without is not None
    np.testing.assert_array_equal(made["good"], without["good"])


def test_the_split_keeps_its_parts_and_its_hash() -> None:
    split = split_of(gradients(40))

    made = with_made_anomalies(split, ["good"], 0)

    assert made.hash == split.hash
    assert made.test is split.test
    assert made.development.train is split.development.train
    assert made.development.validation is split.development.validation


def test_a_training_is_validated_on_them_in_place_of_labels() -> None:
    split = split_of(gradients(40))
    pca = Configuration(detector="pca", parameters={"components": 1}, runtime={"device": "cpu"})
    without = Training(pca, split.development, classes=["good"], seed=0)
    made = with_made_anomalies(split, ["good"], 0)
    with_them = Training(pca, made.development, classes=["good"], seed=0)

    assert without.advance().val_auroc == {}
    assert with_them.advance().val_auroc["good"] > 0.9


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_kind_leaves_its_originals_alone(change: Change) -> None:
    image, other = gradients(2)
    before = image.copy(), other.copy()

    change(image, other, np.random.default_rng(0))

    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(other, before[1])
