"""DSEBM beside its equations: the energy, what its slope denoises to, the loss, the score."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.published.dsebm import Dsebm, denoised, score_matching_loss


def make(shape: tuple[int, int, int] = (1, 8, 8), **values: Any) -> Dsebm:
    small = {"width": 2, "energy_terms": 4, "batch_size": 20, "learning_rate": 5e-3}
    detector = build_detector(
        "dsebm",
        make_parameters("dsebm", {**small, **values}, "test"),
        image_shape=shape,
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Dsebm)
    return detector


def test_the_energy_is_half_a_squared_distance_less_its_terms() -> None:
    detector = make()
    x = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        detector.energy.centre.fill_(0.5)
        terms = detector.energy.terms(x)
        found = detector.energy(x)
    assert terms.shape == (3, 4)
    expected = 0.5 * ((x - 0.5) ** 2).sum(dim=(1, 2, 3)) - terms.sum(dim=1)
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_without_terms_everything_is_denoised_to_the_centre() -> None:
    detector = make()
    with torch.no_grad():
        for weight in detector.energy.parameters():
            weight.zero_()
        detector.energy.centre.fill_(0.25)
    x, noise = torch.full((2, 1, 8, 8), 0.75), torch.randn(2, 1, 8, 8)

    found = denoised(detector.energy, x + noise)
    torch.testing.assert_close(found, torch.full_like(x, 0.25))
    assert score_matching_loss(detector.energy, x, noise).item() == pytest.approx(0.25)
    # E = ½‖x − b‖² − 4 · softplus(0)
    assert detector.energy(x).tolist() == pytest.approx([0.5 * 64 * 0.25 - 4 * math.log(2)] * 2)


def test_the_loss_of_a_quadratic_energy_by_hand() -> None:
    def energy(x: Tensor) -> Tensor:  # Its slope is 0.5 x, so that r(x) = 0.5 x.
        return (0.25 * x**2).flatten(1).sum(dim=1)

    x, noise = torch.full((1, 1, 1, 2), 2.0), torch.tensor([[[[1.0, -1.0]]]])
    # ((2 − 0.5 · 3)² + (2 − 0.5 · 1)²) / 2
    assert score_matching_loss(energy, x, noise).item() == pytest.approx((0.25 + 2.25) / 2)


def test_slopes_of_the_loss_are_those_of_finite_differences() -> None:
    detector = make()
    detector.networks.double()
    x, noise = torch.randn(4, 1, 8, 8).double(), 0.5 * torch.randn(4, 1, 8, 8).double()
    for weight in (detector.energy.centre, detector.energy.terms[0][0].weight):
        (slope,) = torch.autograd.grad(score_matching_loss(detector.energy, x, noise), weight)
        along = torch.randn(weight.shape).double()
        found = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight.add_(step * along)
            found.append(score_matching_loss(detector.energy, x, noise).item())
            with torch.no_grad():
                weight.sub_(step * along)
        assert (found[0] - found[1]) / 2e-5 == pytest.approx((slope * along).sum().item(), rel=1e-4)


def test_the_score_is_the_energy(normals: Pixels) -> None:
    detector = make()
    detector.fit_epoch(normals)
    with torch.no_grad():
        expected = detector.energy(detector.see(torch.tensor(normals)).x).numpy()
    np.testing.assert_allclose(detector.score(normals), expected, rtol=1e-5)


def test_networks_are_those_of_the_public_code_without_batch_statistics() -> None:
    wide = make((3, 32, 32), width=64, energy_terms=256, activation="relu")
    layers = list(wide.energy.modules())
    channels = [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)]

    assert channels == [64, 128, 256]
    assert not [layer for layer in layers if "BatchNorm" in type(layer).__name__]
    assert [layer for layer in layers if isinstance(layer, nn.ReLU)]
    assert not [layer for layer in make().energy.modules() if isinstance(layer, nn.ReLU)]
