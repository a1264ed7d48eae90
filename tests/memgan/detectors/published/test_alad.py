"""ALAD beside its equations: three discriminators, who learns from what, averages, the score."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn, tensor

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.parts.losses import (
    discriminator_loss,
    encoder_game_loss_non_saturating,
    generator_game_loss,
)
from memgan.detectors.parts.stepwise import take_gradients
from memgan.detectors.published.alad import Alad, OfImages
from memgan.detectors.published.averaged import decay
from memgan.detectors.published.dropping import Dropping

_SMALL = {"width": 4, "code_dim": 4, "batch_size": 20, "learning_rate": 5e-3}


def make(shape: tuple[int, int, int] = (1, 8, 8), **values: Any) -> Alad:
    detector = build_detector(
        "alad",
        make_parameters("alad", {**_SMALL, **values}, "test"),
        image_shape=shape,
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Alad)
    return detector


def sigma(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_losses_of_the_games_by_hand() -> None:
    real, made = tensor([2.0, -1.0]), tensor([0.5, 3.0])
    of_real = -(math.log(sigma(2)) + math.log(sigma(-1))) / 2
    of_made = -(math.log(1 - sigma(0.5)) + math.log(1 - sigma(3))) / 2

    assert generator_game_loss(real).item() == pytest.approx(of_real)
    assert encoder_game_loss_non_saturating(made).item() == pytest.approx(of_made)
    assert discriminator_loss(real, made).item() == pytest.approx(of_real + of_made)


def test_the_encoder_has_a_slope_where_the_discriminator_is_sure() -> None:
    sure = tensor([20.0], requires_grad=True)
    encoder_game_loss_non_saturating(sure).backward()
    assert sure.grad is not None
    assert sure.grad.item() == pytest.approx(1.0)


def moves_of(detector: Alad, x: Tensor, drawn: tuple[Tensor, ...]) -> tuple[Any, Any]:
    discriminators, others = detector.moves
    first = discriminators(x, *drawn)
    return first, others(x, *first.handed_on)


def test_each_loss_is_the_sum_that_its_networks_learn_from(normals: Pixels) -> None:
    detector = make(spectral_norm=False)
    detector.networks.train()
    x = detector.see(torch.tensor(normals[:6])).x
    z, fresh, *masks = drawn = detector.draw(x)
    first, second = moves_of(detector, x, drawn)
    E, G = detector.encoder, detector.generator
    code, generated = E(x), G(z)

    one, other = masks[0].tensor_split(2)
    expected = discriminator_loss(
        detector.of_pairs(x, code, one), detector.of_pairs(generated, z, other)
    )
    assert first.losses["d_xz"].item() == pytest.approx(expected.item(), rel=1e-5)
    one, other = masks[2].tensor_split(2)
    expected = discriminator_loss(
        detector.of_images(x, x, one), detector.of_images(x, G(code), other)
    )
    assert first.losses["d_xx"].item() == pytest.approx(expected.item(), rel=1e-5)
    one, other = masks[4].tensor_split(2)
    expected = discriminator_loss(
        detector.of_codes(z, z, one), detector.of_codes(z, E(generated), other)
    )
    assert first.losses["d_zz"].item() == pytest.approx(expected.item(), rel=1e-5)

    generated = G(fresh)
    cycles = generator_game_loss(detector.of_images(x, G(code), masks[3])) + generator_game_loss(
        detector.of_codes(fresh, E(generated), masks[5])
    )
    assert second.losses["cycles"].item() == pytest.approx(cycles.item(), rel=1e-5)
    assert second.minimised["encoder", "generator"].item() == pytest.approx(
        sum(loss.item() for loss in second.losses.values()), rel=1e-5
    )


def test_no_loss_trains_the_networks_of_another(normals: Pixels) -> None:
    detector = make(spectral_norm=False)
    detector.networks.double().train()
    x = detector.see(torch.tensor(normals[:6])).x.double()
    drawn = detector.draw(x)
    weights = {name: list(part.parameters()) for name, part in detector.networks.items()}
    first, _ = moves_of(detector, x, drawn)
    trained = take_gradients(first.minimised, weights)
    assert trained == ["of_pairs", "of_images", "of_codes"]
    assert all(weight.grad is None for weight in weights["encoder"] + weights["generator"])

    before = [weight.grad.clone() for name in trained for weight in weights[name]]
    _, second = moves_of(detector, x, drawn)
    assert take_gradients(second.minimised, weights) == ["encoder", "generator"]
    after = [weight.grad for name in trained for weight in weights[name]]
    assert all(map(torch.equal, before, after))
    for name in ("encoder", "generator"):
        weight = weights[name][0]
        along = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).double()
        found = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                weight.add_(step * along)
            loss = moves_of(detector, x, drawn)[1].minimised["encoder", "generator"]
            found.append(loss.item())
            with torch.no_grad():
                weight.sub_(step * along)
        slope = (weight.grad * along).sum().item()
        assert (found[0] - found[1]) / 2e-6 == pytest.approx(slope, rel=1e-3, abs=1e-8)


def test_the_score_is_the_distance_of_features_without_dropout(normals: Pixels) -> None:
    detector = make(average=0.0)
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    detector.networks.eval()
    x = detector.see(torch.tensor(normals[:5])).x
    with torch.no_grad():
        rebuilt = detector.generator(detector.encoder(x))
        judge = detector.of_images
        assert isinstance(judge, OfImages)
        expected = (judge.features(x, x) - judge.features(x, rebuilt)).abs().sum(dim=1)

    np.testing.assert_allclose(detector.score(normals[:5]), expected.numpy(), rtol=1e-4)
    assert not [part for part in judge.modules() if "BatchNorm" in type(part).__name__]


def test_scores_are_of_running_averages_of_the_weights(normals: Pixels) -> None:
    detector = make(average=0.9)
    before = detector.scoring["encoder"][1].bias.detach().clone()
    x = detector.see(torch.tensor(normals[:8])).x
    detector.networks.train()
    detector.step(x)
    weight = detector.encoder[1].bias.detach()

    share = 1 - 2 / 11  # The decay begins at (1 + 1) / (10 + 1).
    torch.testing.assert_close(
        detector.scoring["encoder"][1].bias.detach(), before + share * (weight - before)
    )
    assert decay(0.9, 10_000) == 0.9


def test_dropout_leaves_the_mean_as_it_is() -> None:
    part = Dropping([nn.Identity()], [(1000,)], 0.2)
    left = part.draw(8, torch.Generator().manual_seed(0), torch.zeros(1))

    assert sorted(set(left.flatten().tolist())) == pytest.approx([0, 1.25])
    assert left.mean().item() == pytest.approx(1, abs=0.02)
    x = torch.ones(8, 1000)
    assert torch.equal(part(x, left), left)
    assert torch.equal(part(x), x)


def test_networks_are_those_of_the_public_code_at_its_width() -> None:
    wide = make((3, 32, 32), width=128, code_dim=100, spectral_norm=False)

    def channels(network: nn.Module) -> list[int]:
        kinds = nn.Conv2d | nn.ConvTranspose2d
        return [part.out_channels for part in network.modules() if isinstance(part, kinds)]

    assert channels(wide.encoder) == [128, 256, 512]
    assert channels(wide.generator) == [256, 128, 3]
    assert channels(wide.of_pairs) == [128, 256, 512]
    assert channels(wide.of_images) == [64, 128]
    first = next(part for part in wide.of_images.modules() if isinstance(part, nn.Conv2d))
    assert first.in_channels == 6  # Joined along channels.
