"""Anomalies made from normals: repeatable, of the right form, and from held-out images alone."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.config.configuration import Configuration
from memgan.config.typed import DataConfig
from memgan.data import LabeledImages, Pixels, Source, Split
from memgan.data.made_anomalies import make_anomalies, with_made_anomalies
from memgan.data.made_kinds import LOCAL, ROTATION, Change, telling_turns, turned
from memgan.data.split import make_split
from memgan.training.lockstep import Training


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

    made = make_anomalies(normals, [0])

    assert set(made) >= set(LOCAL)
    for of_kind in made.values():
        assert of_kind.shape == normals.shape
        assert of_kind.dtype == np.uint8
        assert (of_kind != normals).any(axis=(1, 2, 3)).all()


def test_the_same_seed_gives_the_same_and_another_gives_others() -> None:
    split = split_of(gradients(40))

    first, again, other = (
        with_made_anomalies(split, ["good"], seed).development.made_anomalies for seed in (0, 0, 1)
    )

    assert first is not None
    assert again is not None
    assert other is not None
    for kind in LOCAL:
        np.testing.assert_array_equal(first["good"][kind], again["good"][kind])
        assert (first["good"][kind] != other["good"][kind]).any()


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
    assert made["good"].keys() == without["good"].keys()
    for kind, images in made["good"].items():
        np.testing.assert_array_equal(images, without["good"][kind])


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


@pytest.mark.parametrize("change", [*LOCAL.values(), turned((1, 2))])
def test_a_kind_leaves_its_originals_alone(change: Change) -> None:
    image, other = gradients(2)
    before = image.copy(), other.copy()

    change(image, other, np.random.default_rng(0))

    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(other, before[1])


@pytest.mark.parametrize("side", [28, 32, 64, 256])
def test_some_kinds_are_as_small_as_real_defects(side: int) -> None:
    """Of an image of 64 pixels, real defects cover 0.4 to 2.5 %."""
    rng = np.random.default_rng(0)
    normals = rng.integers(0, 256, (20, 1, side, side), dtype=np.uint8)

    made = make_anomalies(normals, [0])

    covered = {
        kind: float(np.mean((made[kind] != normals).any(axis=1), dtype=float)) for kind in LOCAL
    }
    assert covered["small-patch"] < 0.05
    assert covered["scar"] < 0.06
    assert covered["blotch"] < 0.08
    assert covered["large-patch"] > 0.08


def test_a_kind_stays_the_same_whichever_others_there_are() -> None:
    upright, any_way = gradients(12), gradients(12)
    any_way[::2] = np.rot90(any_way[::2], 2, axes=(2, 3))
    first, second = make_anomalies(upright, [0]), make_anomalies(any_way, [0])

    assert ROTATION in first
    assert ROTATION not in second
    np.testing.assert_array_equal(first["small-patch"], make_anomalies(upright, [0])["small-patch"])


def test_images_are_turned_where_that_means_something() -> None:
    rng = np.random.default_rng(0)
    ring = np.hypot(*(np.mgrid[:16, :16] - 7.5)) < 6
    rings = (150 * ring + rng.integers(0, 60, (20, 1, 16, 16))).astype(np.uint8)
    bars = rings.copy()
    bars[:, :, 7:9] = 255

    assert telling_turns(gradients(20)) == (1, 2, 3)
    assert telling_turns(bars) == (1, 3)  # Half a turn brings a bar back.
    assert telling_turns(rings) == ()
    assert telling_turns(rng.integers(0, 256, (20, 1, 16, 16), dtype=np.uint8)) == ()
    assert telling_turns(gradients(4)) == ()  # Too few to tell.
    assert telling_turns(gradients(20, (1, 12, 9))) == (2,)
