"""AMA beside its equations: the mirrored game, its penalty, mixtures, atypical images, score."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn, tensor

from memgan.bundle.graph.onnx_export import to_onnx
from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.parts.stepwise import take_gradients
from memgan.detectors.published.ama import (
    Ama,
    code_norm,
    gradient_penalty,
    mirrored_loss,
    mix,
    simplex_loss,
    simplex_weights,
)
from memgan.detectors.published.residual import Critic
from memgan.health.doctor import verdicts

_SMALL = {"width": 2, "critic_width": 4, "critic_steps": 1, "code_dim": 4, "batch_size": 20}


def make(shape: tuple[int, int, int] = (1, 8, 8), **values: Any) -> Ama:
    detector = build_detector(
        "ama",
        make_parameters("ama", {**_SMALL, **values}, "test"),
        image_shape=shape,
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Ama)
    return detector


class _Linear(nn.Module):
    """D(x, y) = w·x + v·y."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (self.first * first + self.second * second).flatten(1).sum(dim=1)


def test_the_critic_prefers_mirrored_pairs_and_atypical_images_count_against_it() -> None:
    mirrored, rebuilt = tensor([2.0, 1.0, 5.0]), tensor([1.0, 3.0, 1.0])
    signs = tensor([1.0, 1.0, -0.5])

    # (1·(1 − 2) + 1·(3 − 1) − 0.5·(1 − 5)) / 3
    assert mirrored_loss(mirrored, rebuilt, signs).item() == pytest.approx(1.0)


def test_the_penalty_of_a_linear_critic_is_over_both_halves_and_all_pixels() -> None:
    w, v = torch.full((1, 2, 2), 1.5), torch.full((1, 2, 2), 2.0)
    x = torch.randn(3, 1, 2, 2)
    penalty = gradient_penalty(_Linear(w, v), x, torch.randn(3, 1, 2, 2), torch.rand(3))

    assert penalty.item() == pytest.approx((math.sqrt(4 * 1.5**2 + 4 * 2.0**2) - 1) ** 2, rel=1e-5)


def test_the_penalty_looks_between_an_image_and_what_is_rebuilt() -> None:
    class Quadratic(nn.Module):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            return (0.5 * second**2).flatten(1).sum(dim=1)  # Its gradient is the second itself.

    x, rebuilt = torch.full((1, 1, 1, 1), 8.0), torch.full((1, 1, 1, 1), 4.0)
    penalty = gradient_penalty(Quadratic(), x, rebuilt, tensor([0.25]))

    assert penalty.item() == pytest.approx((0.25 * 8 + 0.75 * 4 - 1) ** 2)


def test_mixtures_are_of_three_codes_with_weights_that_sum_to_one() -> None:
    drawn = torch.rand(2, 50) / 2
    weights = simplex_weights(drawn)
    assert weights.sum(dim=0).tolist() == pytest.approx([1.0] * 50)
    assert (weights >= 0).all()

    codes, orders = tensor([[1.0], [10.0], [100.0]]), tensor([[1, 2, 0], [2, 0, 1]])
    by_hand = [0.1 * 10 + 0.3 * 100 + 0.6 * 1, 0.2 * 100 + 0.5 * 1 + 0.3 * 10, 0.0 + 0.0 + 100]
    found = mix(codes, orders, tensor([[0.1, 0.2, 0.0], [0.3, 0.5, 0.0]]))
    assert found.flatten().tolist() == pytest.approx(by_hand)


def test_the_mirrored_loss_of_mixtures_is_a_mean_over_the_three_images() -> None:
    of_each = tensor([1.0, 2.0]), tensor([3.0, 0.0]), tensor([-1.0, 1.0])
    assert simplex_loss(tensor([4.0, 2.0]), *of_each).item() == pytest.approx(1.0 - 3.0)


def test_only_codes_of_normal_images_are_drawn_to_the_origin() -> None:
    codes = tensor([[3.0, 4.0], [0.0, 1.0], [60.0, 80.0]])
    assert code_norm(codes, tensor([1.0, 1.0, -5.0])).item() == pytest.approx((5 + 1) / 2)


def test_a_tenth_of_a_batch_is_atypical_from_its_epoch_on(normals: Pixels) -> None:
    detector = make(atypical_from=2, atypical_weight=5.0)
    x = detector.see(torch.tensor(normals)).x
    signs, replaced = [], []
    for epoch in (1, 2, 3):
        detector.epoch = epoch
        shown, of_each, *_ = detector._show(x, *detector.draw(x))
        signs.append(sorted(of_each.tolist()))
        replaced.append(int((shown != x).flatten(1).any(dim=1).sum()))
        assert not shown.requires_grad

    ones = [1.0] * len(x)
    assert signs == [ones, ones, [-5.0] * 4 + ones[4:]]
    assert replaced == [0, 0, 4]


@pytest.mark.parametrize("through", [True, False])
def test_each_loss_trains_its_own_networks_only(normals: Pixels, through: bool) -> None:
    """Slopes of the loss of E and G against finite differences, in every direction that it may
    train; the critic is left alone by it, as E and G are by the critic's."""
    detector = make(simplex_trains_generator=through)
    detector.networks.double().train()
    x = detector.see(torch.tensor(normals[:6])).x.double()
    drawn = detector.draw(x)
    weights = {name: list(part.parameters()) for name, part in detector.networks.items()}
    critics, others = detector.moves

    def losses() -> tuple[Tensor, Tensor]:
        first = critics(x, *drawn)
        second = others(x, *first.handed_on)
        return first.minimised["critic",], second.minimised["encoder", "generator"]

    first = critics(x, *drawn)
    assert take_gradients(first.minimised, weights) == ["critic"]
    second = others(x, *first.handed_on)
    before = [weight.grad.clone() for weight in weights["critic"] if weight.grad is not None]
    assert all(weight.grad is None for weight in weights["encoder"] + weights["generator"])
    take_gradients(second.minimised, weights)
    assert all(map(torch.equal, before, [weight.grad for weight in weights["critic"]]))

    for weight in (weights["encoder"][0], weights["generator"][0]):
        assert weight.grad is not None
        along = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).double()
        found = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight.add_(step * along)
            found.append(losses()[1].item())
            with torch.no_grad():
                weight.sub_(step * along)
        slope = (found[0] - found[1]) / 2e-5
        assert slope == pytest.approx((weight.grad * along).sum().item(), rel=1e-4, abs=1e-7)


def test_the_score_is_the_distance_of_features_and_zero_where_nothing_differs() -> None:
    critic, x, y = Critic(1, 4), torch.randn(3, 1, 8, 8), torch.randn(3, 1, 8, 8)
    maps = critic.blocks(torch.cat([x, y], dim=1))

    summed = maps.clamp_min(0).sum(dim=(2, 3))
    torch.testing.assert_close(critic.features(x, y), summed)
    assert torch.equal(critic.features(x, x) - critic.features(x, x), torch.zeros(3, 4))


def test_two_sided_is_how_far_a_score_is_from_the_usual_one(normals: Pixels) -> None:
    one, two = make(two_sided=False), make()
    for detector in (one, two):
        detector.fit_epoch(normals)
        detector.prepare_to_score(normals)
    plain = one.score(normals)

    expected = np.abs(plain - plain.mean()) / plain.std()
    np.testing.assert_allclose(two.score(normals), expected, rtol=1e-3, atol=1e-5)


def test_networks_are_those_of_the_public_code_at_its_width() -> None:
    wide = make((3, 32, 32), width=64, critic_width=128, code_dim=128)
    channels = {
        name: [part.out_channels for part in network.modules() if isinstance(part, nn.Conv2d)]
        for name, network in wide.networks.items()
    }

    assert channels["encoder"] == [64, 128, 256]
    assert set(channels["generator"][:-1]) == {256}
    assert len(channels["generator"]) == 3 * 3 + 1
    assert set(channels["critic"]) == {128}
    assert not [part for part in wide.critic.modules() if "BatchNorm" in type(part).__name__]


def test_a_spectrally_normalised_critic_is_exported(normals: Pixels) -> None:
    detector = make(spectral_norm=True)
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    assert to_onnx(detector, detector.parameters, normals[:20], normal_scores=[0.0])


def test_a_critic_that_is_always_right_is_no_lost_game() -> None:
    known = {"d_accuracy": 1.0}
    assert not verdicts(known, make_parameters("ama", {}, "test"))
    assert verdicts(known, make_parameters("alice", {}, "test"))
