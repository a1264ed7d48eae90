"""Differences and their intervals, against what can be worked out by hand or by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.errors import BadInput
from memgan.stats.bootstrap import Difference, paired_difference
from memgan.stats.image_scores import BySeed, ImageScores
from memgan.stats.metrics import auroc


def test_a_constant_gap_has_no_width() -> None:
    better = {"0": {0: 0.9, 1: 0.8}, "1": {0: 0.7, 1: 0.6}}
    worse = {name: {s: v - 0.1 for s, v in figures.items()} for name, figures in better.items()}
    found = paired_difference(better, worse)
    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert (
        found.verdict == "too little data to say"
    )  # nothing varied that could have been another way
    assert paired_difference(worse, better).mean == pytest.approx(-0.1)


def test_equal_seeds_are_paired_and_other_seeds_are_not() -> None:
    first = {"0": {0: 0.9, 1: 0.5}}
    paired = paired_difference(first, {"0": {0: 0.8, 1: 0.4}})
    unpaired = paired_difference(first, {"0": {2: 0.8, 3: 0.4}})
    assert paired.mean == pytest.approx(0.1)
    assert unpaired.mean == pytest.approx(0.1)
    assert paired.high - paired.low == pytest.approx(0)
    assert (unpaired.low, unpaired.high) == pytest.approx((-0.3, 0.5))


def test_classes_are_drawn_as_well_as_seeds() -> None:
    first = {"0": {0: 0.9}, "1": {0: 0.5}}
    second = {"0": {0: 0.7}, "1": {0: 0.5}}
    found = paired_difference(first, second)
    assert (found.low, found.mean, found.high) == pytest.approx((0, 0.1, 0.2))
    assert not found.significant


def test_only_classes_of_both_count_and_there_must_be_one() -> None:
    found = paired_difference({"0": {0: 0.9}, "1": {0: 0.1}}, {"0": {0: 0.8}, "2": {0: 0.1}})
    assert found.classes == ("0",)
    assert found.mean == pytest.approx(0.1)
    with pytest.raises(BadInput, match="no normal class in common"):
        paired_difference({"0": {0: 0.9}}, {"1": {0: 0.9}})


def test_the_same_figures_give_the_same_interval() -> None:
    first, second = _drawn(np.random.default_rng(1), 0.01), _drawn(np.random.default_rng(2), 0.0)
    assert paired_difference(first, second) == paired_difference(first, second)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        found = paired_difference(_drawn(random, 0.01), _drawn(random, 0.0), resamples=500)
        held += found.low <= 0.01 <= found.high
    assert 0.85 < held / 300 < 0.99


def _one(random: np.random.Generator, shift: float, normals: int, anomalies: int) -> BySeed:
    flags = np.arange(normals + anomalies) >= normals
    return {"0": {0: ImageScores(random.normal(size=len(flags)) + shift * flags, flags)}}


def _auroc(scores: BySeed) -> dict[str, dict[int, float]]:
    return {
        name: {seed: auroc(one.scores, one.anomalous) for seed, one in by_seed.items()}
        for name, by_seed in scores.items()
    }


def _of_images(first: BySeed, second: BySeed, *, same_images: bool = True) -> Difference:
    return paired_difference(
        _auroc(first),
        _auroc(second),
        first_scores=first,
        second_scores=second,
        same_images=same_images,
        resamples=1000,
    )


def test_one_class_and_one_seed_alone_give_no_verdict() -> None:
    found = paired_difference({"0": {0: 0.99}}, {"0": {0: 0.67}})
    assert (found.low, found.high) == pytest.approx((0.32, 0.32))
    assert (found.verdict, found.significant) == ("too little data to say", False)


def test_seeds_alone_without_images_show_no_difference() -> None:
    found = paired_difference({"0": {0: 0.9, 1: 0.95}}, {"0": {0: 0.8, 1: 0.8}})
    assert found.low > 0
    assert not found.images
    assert found.verdict == "too little data to say"
    none = paired_difference({"0": {0: 0.9, 1: 0.7}}, {"0": {0: 0.8, 1: 0.8}})
    assert none.verdict == "no difference shown"


def test_images_are_drawn_too_so_one_class_and_seed_have_an_interval() -> None:
    random = np.random.default_rng(0)
    found = _of_images(_one(random, 3.0, 200, 200), _one(random, 0.5, 200, 200))
    assert found.images
    assert found.low < found.mean < found.high
    assert found.verdict == "a difference"
    few = _of_images(_one(random, 1.0, 6, 5), _one(random, 0.8, 6, 5))
    assert few.verdict == "no difference shown"
    lone = _of_images(_one(random, 3.0, 6, 1), _one(random, 0.5, 6, 1))
    assert (lone.images, lone.verdict) == (False, "too little data to say")


def test_equal_detectors_show_no_difference() -> None:
    scores = _one(np.random.default_rng(0), 1.0, 50, 50)
    assert _of_images(scores, scores).verdict == "no difference shown"


def test_the_same_images_are_paired_and_other_images_are_not() -> None:
    random = np.random.default_rng(0)
    first = _one(random, 1.0, 100, 100)
    one = first["0"][0]
    nearly = ImageScores(one.scores + 0.01 * random.normal(size=200), one.anomalous)
    paired = _of_images(first, {"0": {0: nearly}})
    unpaired = _of_images(first, {"0": {0: nearly}}, same_images=False)
    assert paired.high - paired.low < 0.2 * (unpaired.high - unpaired.low)


def test_equally_good_detectors_on_fresh_images_are_rarely_told_apart() -> None:
    random = np.random.default_rng(0)
    told_apart = sum(
        _of_images(_one(random, 1.0, 60, 40), _one(random, 1.0, 60, 40)).significant
        for _ in range(300)
    )
    assert told_apart / 300 < 0.09


def _drawn(random: np.random.Generator, shift: float) -> dict[str, dict[int, float]]:
    return {
        str(name): {seed: 0.9 + shift + 0.02 * random.normal() for seed in range(5)}
        for name in range(10)
    }
