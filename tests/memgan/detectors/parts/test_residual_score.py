"""The score sees as little of an image as it is told to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from memgan.config import ResidualParameters
from memgan.detectors.parts import losses
from memgan.detectors.parts.residual_score import ResidualScore, top_mean, window_means


def score(squared: bool = True, **values: object) -> ResidualScore:
    return ResidualScore(ResidualParameters.model_validate(values), squared=squared)


def spot(value: float, side: int = 4) -> torch.Tensor:
    """One image of zeros with one pixel of this value, (1, 1, side, side)."""
    image = torch.zeros(1, 1, side, side)
    image[0, 0, 1, 2] = value
    return image


def test_the_default_is_the_distance_that_a_detector_is_trained_by() -> None:
    x, rebuilt = torch.rand(2, 5, 3, 6, 7)
    assert torch.equal(score(squared=False)(x, rebuilt), losses.distance(x, rebuilt))
    assert torch.equal(score()(x, rebuilt), losses.squared_distance(x, rebuilt))


def test_one_pixel_of_three_counts_whole_in_the_top_share_and_a_ninth_in_its_window() -> None:
    x, nothing = spot(3.0), torch.zeros(1, 1, 4, 4)
    assert score(score="top-share", score_share=1 / 16)(x, nothing).item() == 9
    assert score(score="top-share", score_share=1 / 8)(x, nothing).item() == 4.5
    assert score(score="smoothed-max", score_window=1)(x, nothing).item() == 9
    assert score(score="smoothed-max")(x, nothing).item() == pytest.approx(1)
    assert score(squared=False, score="smoothed-max", score_window=1)(x, nothing).item() == 3


def test_a_share_below_one_pixel_is_one_pixel_and_a_whole_share_the_mean_square() -> None:
    values = torch.rand(2, 5, 6)
    assert torch.equal(top_mean(values, 1e-9), values.flatten(1).amax(1))
    torch.testing.assert_close(top_mean(values, 1.0), values.flatten(1).mean(1))


@pytest.mark.parametrize(("window", "side"), [(1, 1), (2, 2), (3, 3), (5, 5), (255, 6)])
def test_windows_lie_inside_and_are_no_larger_than_the_image(window: int, side: int) -> None:
    values = torch.rand(2, 6, 6)
    means = window_means(values, window).numpy()
    assert means.shape == (2, 7 - side, 7 - side)
    for row, column in np.ndindex(means.shape[1:]):
        part = values[:, row : row + side, column : column + side]
        np.testing.assert_allclose(means[:, row, column], part.mean((1, 2)), rtol=1e-5)


def test_channels_count_alike() -> None:
    x, nothing = torch.zeros(2, 1, 3, 4, 4)
    x[0, 1, 1, 2] = 3.0
    assert score(score="top-share", score_share=1 / 16)(x, nothing).item() == 3
