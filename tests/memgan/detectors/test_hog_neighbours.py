"""Histograms of oriented gradients, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from memgan.config.hog import HogNeighboursParameters
from memgan.detectors.gradients import hog_neighbours
from memgan.detectors.gradients.hog_neighbours import HogNeighbours, gradient_histograms


def ramp(across: float, down: float, size: int = 8) -> torch.Tensor:
    rows, columns = np.mgrid[0:size, 0:size]
    return torch.tensor((100 + across * columns + down * rows)[None, None]).to(torch.uint8)


def votes(images: torch.Tensor) -> np.ndarray:
    """By orientation, summed over the four cells, of a sum of 1."""
    by_bin = gradient_histograms(images).view(8, 4).sum(dim=1)
    return (by_bin / by_bin.sum()).numpy()


def fitted(train: NDArray[np.uint8], **values: Any) -> HogNeighbours:
    detector = HogNeighbours(
        HogNeighboursParameters(**values),
        image_shape=(1, 8, 8),
        seed=0,
        device=torch.device("cpu"),
    )
    detector.fit_epoch(train)
    return detector


def test_a_ramp_votes_for_its_own_orientation_whichever_way_it_goes() -> None:
    # The ends of a row see half of the step, in the same direction.
    np.testing.assert_allclose(votes(ramp(2, 0)), [1, 0, 0, 0, 0, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(votes(ramp(-2, 0)), [1, 0, 0, 0, 0, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(votes(ramp(0, 2)), [0, 0, 0, 0, 1, 0, 0, 0], atol=1e-5)


def test_an_orientation_between_two_bins_votes_for_both_by_nearness() -> None:
    # A slope of 1 in 2 has atan(1/2): 1.18 bins of 22.5 degrees. The cell lies inside the image.
    inner = gradient_histograms(ramp(4, 2, size=20)).view(8, 5, 5)[:, 2, 2]
    shares = (inner / inner.sum()).tolist()
    assert shares == pytest.approx([0, 0.8193, 0.1807, 0, 0, 0, 0, 0], abs=1e-3)


def test_a_descriptor_has_length_one_and_a_flat_image_has_none() -> None:
    images = torch.cat([ramp(3, 1), ramp(0, 0)])
    lengths = torch.linalg.vector_norm(gradient_histograms(images), dim=1)
    assert lengths.tolist() == pytest.approx([1, 0])


def test_contrast_and_brightness_change_no_descriptor() -> None:
    image = torch.randint(0, 60, (1, 3, 12, 8), generator=torch.Generator().manual_seed(0))
    dim, bright = image.to(torch.uint8), (3 * image + 40).to(torch.uint8)
    torch.testing.assert_close(gradient_histograms(dim), gradient_histograms(bright))
    assert gradient_histograms(dim).shape == (1, 8 * 3 * 2)


def test_the_score_is_one_minus_the_mean_cosine_to_the_nearest() -> None:
    train = torch.cat([ramp(2, 0), ramp(0, 2), ramp(4, 0)]).numpy()
    detector = fitted(train, neighbours=2)
    found = gradient_histograms(torch.tensor(train))
    cosines = np.sort((found[0] @ found.T).numpy())[::-1]
    assert detector.score(train[:1])[0] == pytest.approx(1 - cosines[:2].mean())
    assert detector.score(ramp(0, 0).numpy())[0] == 1


def test_a_share_adds_the_distance_to_the_mean_image_each_over_its_spread_on_training_images() -> (
    None
):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (40, 1, 8, 8), generator=generator, dtype=torch.uint8).numpy()
    train, seen = images[:30], images[30:]
    alone = fitted(train, neighbours=2).score(seen)
    only_mean = fitted(train, neighbours=2, mean_image_share=1).score(seen)
    both = fitted(train, neighbours=2, mean_image_share=0.25)
    own = np.array(
        [fitted(np.delete(train, i, 0), neighbours=2).score(train[i : i + 1])[0] for i in range(30)]
    )
    expected = 0.75 * alone / own.std(ddof=1) + 0.25 * only_mean
    np.testing.assert_allclose(both.score(seen), expected)
    pixels = train.reshape(30, -1).astype(float)
    grey = (pixels - pixels.mean(1, keepdims=True)) / (3 * pixels.std(1, keepdims=True))
    apart = ((grey - grey.mean(0)) ** 2).sum(1)
    of_train = fitted(train, mean_image_share=1).score(train)
    np.testing.assert_allclose(of_train, apart / apart.std(ddof=1))


def test_a_share_needs_no_spread_of_images_that_are_all_alike() -> None:
    alike = np.repeat(ramp(2, 1).numpy(), 3, axis=0)
    assert np.isfinite(fitted(alike, neighbours=5, mean_image_share=0.5).score(alike)).all()


def test_without_a_share_nothing_more_is_learned() -> None:
    assert set(fitted(ramp(2, 1).numpy()).weights()) == {"train"}


@pytest.mark.parametrize(("count", "taken"), [(9, 9), (19, 19), (20, 10), (31, 11)])
def test_a_spread_is_taken_over_fewer_than_twice_the_images_it_needs(
    count: int, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hog_neighbours, "_FEWEST_FOR_SPREAD", 10)
    train = torch.rand(count, 32, dtype=torch.float64)
    detector = fitted(ramp(2, 1).numpy(), neighbours=2)

    assert len(detector._distances_to_others(train)) == taken
