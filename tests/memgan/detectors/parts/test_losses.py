"""Each loss against a value worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from memgan.detectors.parts import losses


def test_cycle_is_the_unsquared_distance_of_whole_images_averaged_over_the_batch() -> None:
    images = torch.zeros(2, 1, 2, 2)
    rebuilt = torch.zeros(2, 1, 2, 2)
    rebuilt[0, 0] = torch.tensor([[3.0, 4.0], [0.0, 0.0]])  # distance 5
    rebuilt[1, 0] = torch.tensor([[1.0, 1.0], [1.0, 1.0]])  # distance 2
    assert losses.cycle_loss(images, rebuilt).item() == pytest.approx(3.5)


def test_projection_is_the_unsquared_distance_of_codes() -> None:
    codes = torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])
    projected = torch.zeros(2, 3)
    assert losses.projection_loss(codes, projected).item() == pytest.approx(1.5)


def test_distance_of_equal_images_has_a_finite_gradient() -> None:
    images = torch.ones(1, 1, 2, 2, requires_grad=True)
    losses.cycle_loss(images, torch.ones(1, 1, 2, 2)).backward()
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()


def test_mutual_information_is_the_cross_entropy_of_the_recovered_address() -> None:
    addresses = torch.tensor([[0.75, 0.25]])
    recovered = torch.tensor([[math.log(3.0), 0.0]])  # softmax (0.75, 0.25)
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    value = losses.mutual_information_loss(addresses, recovered).item()
    assert value == pytest.approx(expected, rel=1e-6)


def test_discriminator_wants_encoded_pairs_high_and_generated_ones_low() -> None:
    encoded = torch.tensor([math.log(4.0)])  # D = 0.8
    generated = torch.tensor([-math.log(9.0)])  # D = 0.1
    expected = -math.log(0.8) - math.log(1 - 0.1)
    assert losses.discriminator_loss(encoded, generated).item() == pytest.approx(expected)


def test_encoder_game_is_log_d_as_printed() -> None:
    assert losses.encoder_game_loss(torch.tensor([math.log(4.0)])).item() == pytest.approx(
        math.log(0.8)
    )


def test_non_saturating_encoder_game_is_minus_log_one_minus_d() -> None:
    value = losses.encoder_game_loss_non_saturating(torch.tensor([math.log(4.0)])).item()
    assert value == pytest.approx(-math.log(0.2))


def test_generator_game_is_minus_log_d() -> None:
    value = losses.generator_game_loss(torch.tensor([-math.log(9.0)])).item()
    assert value == pytest.approx(-math.log(0.1))


def test_games_stay_finite_where_the_discriminator_is_sure() -> None:
    sure = torch.tensor([1e4, -1e4])
    for loss in (
        losses.encoder_game_loss,
        losses.encoder_game_loss_non_saturating,
        losses.generator_game_loss,
    ):
        assert torch.isfinite(loss(sure))
    assert torch.isfinite(losses.discriminator_loss(sure, sure))
