"""DAGMM beside its equations: representation, mixture, energy, and what is scored with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import tensor

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.published.dagmm import (
    Dagmm,
    energies,
    factors,
    fit_mixture,
    narrowness,
    represent,
)
from memgan.errors import BundleError

_SMALL = {"width": 2, "code_dim": 2, "components": 2, "batch_size": 20, "learning_rate": 5e-3}


def make(**values: Any) -> Dagmm:
    detector = build_detector(
        "dagmm",
        make_parameters("dagmm", {**_SMALL, **values}, "test"),
        image_shape=(1, 8, 8),
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Dagmm)
    return detector


def test_the_relative_distance_and_the_cosine_join_the_code() -> None:
    x, rebuilt = tensor([[[[3.0, 4.0]]]]), tensor([[[[3.0, 0.0]]]])
    found = represent(x, rebuilt, tensor([[7.0, 8.0]]))
    assert found.tolist()[0] == pytest.approx([7, 8, 4 / 5, 9 / (5 * 3)])


def test_an_image_without_length_has_a_finite_error() -> None:
    grey = torch.zeros(1, 1, 2, 2)
    assert represent(grey, grey, torch.zeros(1, 2)).tolist() == [[0, 0, 0, 0]]
    assert represent(grey, grey + 1, torch.zeros(1, 2)).isfinite().all()


def test_a_mixture_is_of_weighted_means_by_hand() -> None:
    points = tensor([[0.0, 0.0], [2.0, 0.0], [10.0, 4.0]])
    mixture = fit_mixture(points, tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), 0.1)

    assert mixture.shares.tolist() == pytest.approx([0.5, 0.5])
    # (1·0 + ½·2) / 1½, and (½·2 + 1·10) / 1½, (½·0 + 1·4) / 1½
    assert mixture.means.flatten().tolist() == pytest.approx([2 / 3, 0, 22 / 3, 8 / 3])
    # (1·(2/3)² + ½·(4/3)²) / 1½ + ε
    assert mixture.covariances[0].flatten().tolist() == pytest.approx([8 / 9 + 0.1, 0, 0, 0.1])


def test_energy_is_minus_the_log_of_scipys_density() -> None:
    rng = np.random.default_rng(0)
    points, memberships = rng.normal(size=(30, 3)), rng.dirichlet([1, 1], 30)
    mixture = fit_mixture(tensor(points), tensor(memberships), 0.01)
    density = sum(
        share * multivariate_normal(mean, covariance).pdf(points)
        for share, mean, covariance in zip(*(each.numpy() for each in mixture), strict=True)
    )

    found = energies(tensor(points), *factors(mixture))
    np.testing.assert_allclose(found.numpy(), -np.log(density), rtol=1e-9)


def test_far_points_have_a_finite_energy_and_an_empty_component_no_say() -> None:
    mixture = fit_mixture(torch.randn(9, 2), tensor([[1.0, 0.0]]).repeat(9, 1), 1e-3)
    alone = fit_mixture(torch.randn(9, 2), torch.ones(9, 1), 1e-3)
    far = torch.full((1, 2), 1e4)
    assert energies(far, *factors(mixture)).isfinite().all()
    near = alone.means
    assert energies(near, *factors(alone)).item() == pytest.approx(
        math.log(2 * math.pi) + 0.5 * torch.logdet(alone.covariances[0]).item()
    )


def test_narrow_variances_are_paid_for() -> None:
    covariances = torch.stack([torch.diag(tensor([2.0, 4.0])), torch.diag(tensor([0.5, 1.0]))])
    assert narrowness(covariances).item() == pytest.approx(0.5 + 0.25 + 2 + 1)


def test_the_whole_loss_is_eq_7_and_reaches_all_three_networks(normals: Pixels) -> None:
    detector = make(energy_weight=0.3, narrowness_weight=0.02)
    detector.networks.double().train()
    x = detector.see(torch.tensor(normals[:8])).x.double()
    drawn = detector.draw(x)
    move = detector._move(x, *drawn)
    ((parts, total),) = move.minimised.items()
    of = move.losses

    assert parts == ("encoder", "decoder", "estimator")
    expected = of["residual"] + 0.3 * of["energy"] + 0.02 * of["narrowness"]
    assert total.item() == pytest.approx(expected.item())
    for name in parts:
        weight = next(iter(detector.networks[name].parameters()))
        (slope,) = torch.autograd.grad(total, weight, retain_graph=True)
        along = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).double()
        found = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                weight.add_(step * along)
            found.append(detector._move(x, *drawn).minimised[parts].item())
            with torch.no_grad():
                weight.sub_(step * along)
        assert (found[0] - found[1]) / 2e-6 == pytest.approx((slope * along).sum().item(), rel=1e-3)


def test_scores_are_of_one_mixture_of_all_training_images(normals: Pixels) -> None:
    detector = make()
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    with torch.no_grad():
        x = detector.see(torch.tensor(normals)).x
        codes = detector.encoder(x)
        points = represent(x, detector.decoder(codes), codes)
        mixture = fit_mixture(points, detector.estimator(points), detector.parameters.jitter)

    torch.testing.assert_close(detector.learned["means"], mixture.means)
    expected = energies(points, *factors(mixture)).numpy()
    np.testing.assert_allclose(detector.score(normals), expected, rtol=1e-4, atol=1e-4)
    kept = {name: value.clone() for name, value in detector.learned.items()}
    detector.score(normals[:3])
    assert all(torch.equal(value, kept[name]) for name, value in detector.learned.items())


def test_weights_that_are_no_gaussian_are_refused(normals: Pixels) -> None:
    detector = make()
    weights = detector.weights()
    weights["covariances"] = -weights["covariances"]
    with pytest.raises(BundleError, match="no Gaussian"):
        detector.load_weights(weights)
