"""With contrast normalised, how pale or dark an image is has no part in its score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import Detector, build_detector
from memgan.detectors.parts.contrast import see

_NETS = {"batch_size": 16, "width": 4, "learning_rate": 3e-3}
_VALUES: dict[str, dict[str, object]] = {
    "memgan": {**_NETS, "memory_units": 12, "memory_dim": 8},
    "autoencoder": {**_NETS, "code_dim": 8},
    "alice": {**_NETS, "code_dim": 8},
    "memae": {**_NETS, "memory_units": 12},
    "dcae": {**_NETS, "code_dim": 8},
    "dsvdd": {**_NETS, "code_dim": 8, "epochs": 4},
    "pca": {"components": 4},
}


@pytest.fixture
def even(normals: Pixels) -> Pixels:
    """Normal images of even grey levels below 128, which half and double without rounding."""
    levels: Pixels = normals // 4 * 2
    return levels


@pytest.fixture(params=sorted(_VALUES))
def detector(request: pytest.FixtureRequest, even: Pixels) -> Detector:
    values = {**_VALUES[request.param], "contrast_normalised": True}
    return _fitted(request.param, values, even)


def _fitted(name: str, values: dict[str, object], images: Pixels) -> Detector:
    detector = build_detector(
        name,
        make_parameters(name, values, "test"),
        image_shape=images.shape[1:],
        seed=3,
        device=torch.device("cpu"),
    )
    detector.fit_epoch(images)
    detector.prepare_to_score(images)
    return detector


def test_half_the_contrast_and_a_lift_leave_the_score_alone(
    detector: Detector, even: Pixels
) -> None:
    scores = detector.score(even)
    assert np.ptp(scores) > 0
    assert_allclose(detector.score(even // 2 + 60), scores, rtol=1e-4)


def test_without_it_they_do_not(even: Pixels) -> None:
    plain = _fitted("memgan", _VALUES["memgan"], even)
    assert np.abs(plain.score(even // 2 + 60) / plain.score(even) - 1).min() > 0.01


def test_what_is_rebuilt_has_the_images_own_contrast(detector: Detector, even: Pixels) -> None:
    rebuilt, paler = detector.rebuild(even), detector.rebuild(even // 2 + 60)
    if rebuilt is None or paler is None:
        assert rebuilt is paler is None
        assert detector.name == "dsvdd"
        return
    assert_allclose(paler, rebuilt / 2 + 60, atol=0.05)


def test_the_module_to_export_scores_and_rebuilds_alike(detector: Detector, even: Pixels) -> None:
    with torch.no_grad():
        scores, *rebuilt = detector.scorer()(torch.from_numpy(even[:7]))
    assert_allclose(scores.numpy(), detector.score(even)[:7], rtol=1e-5)
    expected = detector.rebuild(even)
    assert len(rebuilt) == (expected is not None)
    if expected is not None:
        assert_allclose(rebuilt[0].numpy(), expected[:7], atol=0.01)


def test_an_image_that_shows_nothing_has_a_score(detector: Detector, even: Pixels) -> None:
    assert np.isfinite(detector.score(np.full_like(even[:2], 90))).all()


def test_each_image_has_mean_nothing_and_a_third_as_standard_deviation(even: Pixels) -> None:
    seen = see(torch.from_numpy(even), contrast_normalised=True, dtype=torch.float64)
    assert_allclose(seen.x.mean(dim=(1, 2, 3)), 0, atol=1e-12)
    assert_allclose(seen.x.std(dim=(1, 2, 3), correction=0), 1 / 3)
    assert_allclose(seen.to_grey(seen.x), even, atol=1e-9)


@pytest.mark.parametrize("normalised", [False, True])
def test_pca_of_no_component_is_the_distance_to_the_mean_image(
    even: Pixels, normalised: bool
) -> None:
    pca = _fitted("pca", {"components": 0, "contrast_normalised": normalised}, even)
    rows = even.reshape(len(even), -1).astype(np.float64)
    if normalised:
        rows -= rows.mean(axis=1, keepdims=True)
        rows /= 3 * rows.std(axis=1, keepdims=True)
    assert_allclose(pca.score(even), ((rows - rows.mean(axis=0)) ** 2).sum(axis=1))
    with torch.no_grad():
        assert_allclose(pca.scorer()(torch.from_numpy(even))[0], pca.score(even))
