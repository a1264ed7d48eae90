"""What a score means: p-values and a threshold from normal scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memgan.bundle.calibration import Calibration, normals_for, shortages
from memgan.errors import ConfigError

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
RATES = st.floats(0.001, 0.999)


def test_p_values_by_hand() -> None:
    calibration = Calibration(normal_scores=(3.0, 1.0, 2.0, 2.0))

    p = calibration.p_values(np.array([0.0, 2.0, 2.5, 9.0]))

    np.testing.assert_allclose(p, [5 / 5, 4 / 5, 2 / 5, 1 / 5])


def test_pixels_are_flagged_above_what_so_many_normal_images_reach_anywhere() -> None:
    peaks = tuple(float(n) for n in range(1, 20))
    calibration = Calibration(normal_scores=(1.0,), normal_peaks=peaks)
    assert calibration.pixel_threshold == 19  # One of twenty new normals may be above all.
    assert calibration.at(0.1).pixel_threshold == 18
    assert calibration.at(0.01).pixel_threshold is None
    assert Calibration(normal_scores=(1.0,)).pixel_threshold is None


@given(normals=SCORES, scores=SCORES)
def test_p_values_lie_above_0_and_fall_as_scores_rise(
    normals: list[float], scores: list[float]
) -> None:
    p = Calibration(normal_scores=tuple(normals)).p_values(np.sort(scores))

    assert (p > 0).all()
    assert (p <= 1).all()
    assert (np.diff(p) <= 0).all()


@given(normals=SCORES, scores=SCORES, rate=RATES)
def test_verdict_p_value_and_threshold_never_contradict_each_other(
    normals: list[float], scores: list[float], rate: float
) -> None:
    calibration = Calibration(normal_scores=tuple(normals), false_alarm_rate=rate)
    tried = np.array(scores + normals)

    verdicts = calibration.verdicts(tried)

    assert (verdicts == (calibration.p_values(tried) <= rate)).all()
    threshold = calibration.threshold
    above = np.zeros(len(tried), bool) if threshold is None else tried > threshold
    assert (verdicts == above).all()
    assert (calibration.shortage is None) == (threshold is not None)


@pytest.mark.parametrize("count", [5, 10, 19, 20, 50, 200])
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_new_normals_are_flagged_at_most_at_the_rate_asked_for(count: int, rate: float) -> None:
    """On fresh draws, not on the normals that the threshold was made from."""
    random = np.random.default_rng(count)
    shares = []
    for _ in range(2000):
        held_out, fresh = random.normal(size=count), random.normal(size=50)
        calibration = Calibration(normal_scores=tuple(held_out), false_alarm_rate=rate)
        shares.append(calibration.verdicts(fresh).mean())

    allowed = int(rate * (count + 1) + 1e-9) / (count + 1)  # the highest p-value within the rate
    noise = 4 * np.std(shares) / len(shares) ** 0.5
    assert allowed <= rate
    assert abs(np.mean(shares) - allowed) <= noise


@pytest.mark.parametrize(("rate", "needed"), [(0.05, 19), (0.01, 99), (0.07, 14), (0.5, 1)])
def test_too_few_normals_say_what_number_would_do(rate: float, needed: int) -> None:
    enough = Calibration(normal_scores=tuple(range(needed)), false_alarm_rate=rate)
    assert enough.shortage is None
    assert normals_for(rate) == needed
    if needed == 1:
        return
    short = Calibration(normal_scores=tuple(range(needed - 1)), false_alarm_rate=rate)
    assert not short.verdicts(np.array([1e9])).any()
    line = short.shortage
    assert line is not None
    assert f"hold out at least {needed} (a greater data.validation_fraction), or" in line
    offered = float(line.rpartition(" ")[2])
    assert short.at(offered).shortage is None
    assert short.at(offered - 0.001).shortage is not None


def test_classes_that_lack_normals_alike_share_a_line() -> None:
    few, many = (Calibration(normal_scores=tuple(range(count))) for count in (3, 30))

    lines = shortages({"a": few, "b": many, "c": few})

    assert len(lines) == 1
    assert lines[0].startswith("classes a, c: 3 held-out normal images are too few")


@given(normals=SCORES, rate=RATES)
def test_the_threshold_keeps_the_false_alarm_rate_on_its_own_normals(
    normals: list[float], rate: float
) -> None:
    calibration = Calibration(normal_scores=tuple(normals), false_alarm_rate=rate)

    assert calibration.verdicts(np.array(normals)).mean() <= rate


def test_another_rate_moves_the_threshold() -> None:
    calibration = Calibration(normal_scores=tuple(float(n) for n in range(101)))

    assert calibration.threshold == 96  # 4 of 101 are above: (1 + 4) / 102 is at most 0.05
    assert calibration.at(0.5).threshold == 50
    assert list(calibration.at(0.5).verdicts(np.array([50.0, 50.1]))) == [False, True]


@pytest.mark.parametrize("rate", [0, 1, -0.1, math.nan])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Calibration(normal_scores=(1.0,)).at(rate)


@pytest.mark.parametrize("scores", [(), (1.0, math.nan), (math.inf,)])
def test_scores_that_calibrate_nothing_are_refused(scores: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Calibration(normal_scores=scores)
