"""Standard errors of AUROC against what simulated draws of images give."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.stats.auroc_noise import (
    influence,
    paired_standard_error,
    standard_error,
    unpaired_standard_error,
)
from memgan.stats.metrics import auroc

RNG = np.random.default_rng(0)


def _draws(normals: int, anomalies: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of `count` draws, anomalies one standard deviation above, and the flags."""
    flags = np.arange(normals + anomalies) >= normals
    return RNG.normal(0, 1, (count, len(flags))) + flags, flags


def _aurocs(scores: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """AUROC of every draw: the share of pairs in which the anomaly lies above the normal."""
    above = scores[:, flags][:, :, None] > scores[:, ~flags][:, None, :]
    found: np.ndarray = above.mean(axis=(1, 2))
    assert found[0] == pytest.approx(auroc(scores[0], flags))
    return found


@pytest.mark.parametrize(("normals", "anomalies"), [(12, 2), (40, 40), (15, 100)])
def test_the_error_by_numbers_is_the_spread_of_simulated_draws(
    normals: int, anomalies: int
) -> None:
    scores, flags = _draws(normals, anomalies, 1500)
    found = _aurocs(scores, flags)

    told = standard_error(float(np.mean(found)), normals, anomalies)

    assert told == pytest.approx(np.std(found), rel=0.15)


def test_few_images_never_show_that_nothing_is_in_doubt() -> None:
    assert standard_error(1.0, 12, 2) > 0
    assert standard_error(0.0, 12, 2) > 0
    assert standard_error(1.0, 12, 12) < standard_error(1.0, 3, 3)
    with pytest.raises(ValueError, match="both needed"):
        standard_error(0.9, 12, 0)


def test_influences_square_to_the_spread_of_simulated_draws() -> None:
    scores, flags = _draws(30, 30, 800)

    told = np.mean([np.sum(influence(of_draw, flags) ** 2) for of_draw in scores])

    assert told == pytest.approx(np.var(_aurocs(scores, flags)), rel=0.15)


def test_pairing_knows_that_like_detectors_err_alike() -> None:
    """Two detectors that see the same images nearly alike differ by much less than two draws."""
    scores, flags = _draws(30, 30, 600)
    others = scores + RNG.normal(0, 0.2, scores.shape)
    differences = _aurocs(scores, flags) - _aurocs(others, flags)

    told = np.mean(
        [
            paired_standard_error(influence(a, flags), influence(b, flags))
            for a, b in zip(scores, others, strict=True)
        ]
    )

    assert told == pytest.approx(np.std(differences), rel=0.2)
    assert told < 0.5 * unpaired_standard_error(*[standard_error(0.76, 30, 30)] * 2)


def test_ties_count_half_in_influences_too() -> None:
    flags = np.array([False, False, True, True])
    # The tied normal lies below 3/4 of the anomalies, the other below all: 1/8 from their mean.
    by_hand = np.array([0.125, -0.125, -0.125, 0.125]) / np.sqrt(2)

    np.testing.assert_allclose(influence(np.array([1.0, 2.0, 2.0, 3.0]), flags), by_hand)


def test_one_image_of_a_kind_has_no_spread() -> None:
    with pytest.raises(ValueError, match="two normals and two anomalies"):
        influence(np.arange(3.0), np.array([False, False, True]))
