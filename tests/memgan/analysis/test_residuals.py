"""Maps: the residual, smoothed as the score is, and its strongest region."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from memgan.analysis import residual, strongest_region, window_of
from memgan.config import NeighboursParameters, PcaParameters
from memgan.detectors.parts.residual_score import ResidualScore


def test_the_peak_of_a_smoothed_residual_is_the_smoothed_maximum_that_scores() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 3, 12, 10), dtype=np.uint8)
    rebuilt = images + 20 * rng.normal(size=images.shape).astype(np.float32)
    parameters = PcaParameters(score="smoothed-max", score_window=3)
    maps = residual(images, rebuilt, window_of(parameters))
    score = ResidualScore(parameters, squared=False)
    scores = score(torch.tensor(images), torch.tensor(rebuilt)).numpy()
    # The score takes windows that lie inside, which are those around the inner pixels.
    np.testing.assert_allclose(maps[:, 1:-1, 1:-1].max(axis=(1, 2)), scores, rtol=1e-4)


@pytest.mark.parametrize("score", ["mean", "top-share"])
def test_other_scores_and_detectors_show_the_residual_as_it_is(score: str) -> None:
    assert window_of(PcaParameters.model_validate({"score": score})) == 1
    assert window_of(NeighboursParameters()) == 1
    images = np.full((1, 2, 3, 3), 100, dtype=np.uint8)
    rebuilt = np.full((1, 2, 3, 3), 90, dtype=np.float32)
    assert (residual(images, rebuilt) == 10).all()


def test_the_strongest_region_is_the_one_with_the_peak_however_small() -> None:
    one = np.zeros((6, 8), dtype=np.float32)
    one[0:3, 0:3] = 5
    one[4, 6], one[5, 7] = 9, 6  # They touch at a corner.
    assert strongest_region(one, 4) == (6, 4, 8, 6)
    assert strongest_region(one, 8) == (6, 4, 7, 5)
    assert strongest_region(one, 9) is None
