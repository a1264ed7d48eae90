"""Differences and their intervals, against what can be worked out by hand or by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.bootstrap import paired_difference
from memgan.errors import BadInput


def test_a_constant_gap_has_no_width() -> None:
    better = {"0": {0: 0.9, 1: 0.8}, "1": {0: 0.7, 1: 0.6}}
    worse = {name: {s: v - 0.1 for s, v in figures.items()} for name, figures in better.items()}
    found = paired_difference(better, worse)
    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.significant
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


def _drawn(random: np.random.Generator, shift: float) -> dict[str, dict[int, float]]:
    return {
        str(name): {seed: 0.9 + shift + 0.02 * random.normal() for seed in range(5)}
        for name in range(10)
    }
