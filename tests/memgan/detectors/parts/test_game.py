"""R1, noise and spectral normalisation by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from memgan.detectors.parts.game import (
    draw_blur,
    largest_singular_value,
    noise_left,
    normalise_spectrally,
    r1_penalty,
    with_noise,
)
from memgan.detectors.parts.losses import discriminator_loss


class _Squares(nn.Module):
    """D(x, z) = w (Σ x² + 3 Σ z), whose gradient is (2wx, 3w)."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        return self.w * (x.flatten(1).square().sum(dim=1) + 3 * code.sum(dim=1))


def test_r1_is_half_the_mean_squared_gradient_at_both_inputs() -> None:
    d, x, code = _Squares(), torch.tensor([[[[1.0]]], [[[3.0]]]]), torch.zeros(2, 2)
    penalty = r1_penalty(d, x, code)
    by_hand = ((4.0 * 1) ** 2 + (4.0 * 3) ** 2 + 2 * 2 * 6.0**2) / 2 / 2
    assert penalty.item() == pytest.approx(by_hand)
    penalty.backward()
    assert d.w.grad is not None
    assert d.w.grad.item() == pytest.approx(2 * by_hand / 2.0)  # It grows with w².


def test_the_largest_singular_value_is_that_of_an_svd_and_so_is_its_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in ((3, 7), (8, 2), (1, 5), (6, 6)):
        matrix = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        exact = torch.linalg.matrix_norm(matrix, 2)
        found = largest_singular_value(matrix)
        assert found.item() == pytest.approx(exact.item(), rel=1e-4)
        (wanted,) = torch.autograd.grad(exact, matrix)
        (given,) = torch.autograd.grad(found, matrix)
        torch.testing.assert_close(given, wanted, rtol=1e-2, atol=1e-3)


def test_every_layer_of_a_normalised_network_stretches_by_one_at_most() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 4), nn.Flatten(), nn.Linear(27, 2))
    normalise_spectrally(network)
    for layer in (network[0], network[2]):
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        assert largest.item() == pytest.approx(1, rel=1e-3)


def test_noise_falls_to_nothing_after_the_last_epoch() -> None:
    assert [noise_left(0.4, epoch=e, epochs=4) for e in (1, 2, 4, 5, 9)] == pytest.approx(
        [0.4, 0.3, 0.1, 0, 0]
    )


def test_noise_is_added_to_all_that_is_shown_or_to_nothing() -> None:
    shown = torch.zeros(2, 3), torch.ones(2, 1)
    assert with_noise(shown, ()) == shown
    blur = draw_blur([((2, 3), 0.5), ((2, 1), 0.0)], torch.Generator(), torch.float64)
    noisy = with_noise(shown, blur)
    assert torch.equal(noisy[0], blur[0])
    assert torch.equal(noisy[1], shown[1])


def test_smoothing_is_on_the_real_side_only() -> None:
    real, made = torch.tensor([0.3]), torch.tensor([-0.2])
    plain = discriminator_loss(real, made)
    assert discriminator_loss(real, made, smoothing=0.0) == plain
    smooth = discriminator_loss(real, made, smoothing=0.1)
    # −log σ(−l) is −log σ(l) + l.
    assert smooth.item() == pytest.approx(plain.item() + 0.1 * 0.3)
