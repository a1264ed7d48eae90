"""What a score means: p-values and a threshold from normal scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memgan.calibration import Calibration
from memgan.errors import ConfigError

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
RATES = st.floats(0.001, 0.999)


def test_p_values_by_hand() -> None:
    calibration = Calibration(normal_scores=(3.0, 1.0, 2.0, 2.0))

    p = calibration.p_values(np.array([0.0, 2.0, 2.5, 9.0]))

    np.testing.assert_allclose(p, [5 / 5, 4 / 5, 2 / 5, 1 / 5])


@given(normals=SCORES, scores=SCORES)
def test_p_values_lie_above_0_and_fall_as_scores_rise(
    normals: list[float], scores: list[float]
) -> None:
    p = Calibration(normal_scores=tuple(normals)).p_values(np.sort(scores))

    assert (p > 0).all()
    assert (p <= 1).all()
    assert (np.diff(p) <= 0).all()


@given(normals=SCORES, rate=RATES)
def test_the_threshold_keeps_the_false_alarm_rate_on_its_own_normals(
    normals: list[float], rate: float
) -> None:
    calibration = Calibration(normal_scores=tuple(normals), false_alarm_rate=rate)

    assert calibration.verdicts(np.array(normals)).mean() <= rate


def test_another_rate_moves_the_threshold() -> None:
    calibration = Calibration(normal_scores=tuple(float(n) for n in range(101)))

    assert calibration.threshold == 95
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
