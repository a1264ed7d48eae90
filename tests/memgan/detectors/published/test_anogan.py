"""AnoGAN beside its equations: the game, the search over z, the encoder in its place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn, tensor

from memgan.bundle import load_bundle, without_model, write_bundle
from memgan.config import Configuration
from memgan.config.parameters import make_parameters
from memgan.data import Pixels, Split
from memgan.detectors import build_detector
from memgan.detectors.parts.stepwise import take_gradients
from memgan.detectors.published.anogan import (
    Anogan,
    encoder_score,
    search_codes,
    search_score,
)
from memgan.errors import BundleError
from memgan.training.cells import train_cell
from tracking.models import check_bundles


def make(shape: tuple[int, int, int] = (1, 8, 8), **values: Any) -> Anogan:
    small = {"width": 2, "code_dim": 4, "batch_size": 20, "learning_rate": 5e-3, "search_steps": 5}
    detector = build_detector(
        "anogan",
        make_parameters("anogan", {**small, **values}, "test"),
        image_shape=shape,
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Anogan)
    return detector


def doubled(images: Tensor) -> Tensor:
    return 2 * images.flatten(1)


def test_the_score_of_a_search_weighs_pixels_nine_times_as_much_as_features() -> None:
    x, made = tensor([[[[1.0, 2.0]]]]), tensor([[[[0.0, 4.0]]]])
    # 0.9 · (1 + 2) + 0.1 · (2 + 4)
    assert search_score(doubled, x, made, 0.1).item() == pytest.approx(3.3)


def test_the_score_by_an_encoder_is_of_mean_squares() -> None:
    x, made = tensor([[[[1.0, 2.0]]]]), tensor([[[[0.0, 4.0]]]])
    # (1 + 4) / 2 + 0.5 · (4 + 16) / 2
    assert encoder_score(doubled, x, made, 0.5).item() == pytest.approx(7.5)


def test_a_search_is_adam_with_a_rate_that_falls() -> None:
    target, start = tensor([[1.0, -2.0]]), torch.zeros(1, 2)

    def score(z: Tensor) -> Tensor:
        return ((z - target) ** 2).sum(dim=1)

    z = start.clone().requires_grad_()
    adam = torch.optim.Adam([z], lr=0.1)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, T_max=7)
    for _ in range(7):
        adam.zero_grad()
        score(z).sum().backward()
        adam.step()
        cosine.step()
    found = search_codes(score, start, steps=7, rate=0.1)
    assert found.flatten().tolist() == pytest.approx(z.flatten().tolist(), rel=1e-4)
    assert start.eq(0).all()


def test_losses_are_those_of_a_gan_and_reach_nobody_else(normals: Pixels) -> None:
    detector = make()
    detector.networks.double().train()
    x = detector.see(torch.tensor(normals[:6])).x.double()
    (z,) = detector.draw(x)
    of_d, of_g, of_e = detector.moves
    weights = {name: list(part.parameters()) for name, part in detector.networks.items()}
    D, made = detector.discriminator, detector.generator(z)

    first = of_d(x, z)
    real, fake = torch.sigmoid(D(x)), torch.sigmoid(D(made))
    expected = -(real.log() + (1 - fake).log()).mean().item()
    assert first.losses["discriminator"].item() == pytest.approx(expected)
    assert take_gradients(first.minimised, weights) == ["discriminator"]
    second = of_g(x, *first.handed_on)
    assert second.losses["generator_game"].item() == pytest.approx(-fake.log().mean().item())
    third = of_e(x, *second.handed_on)
    for move, part in ((second, "generator"), (third, "encoder")):
        others = [w for name in weights if name != part for w in weights[name]]
        before = [None if w.grad is None else w.grad.clone() for w in others]
        assert take_gradients(move.minimised, weights) == [part]
        for weight, was in zip(others, before, strict=True):
            assert (weight.grad is None) == (was is None)
            assert was is None or torch.equal(weight.grad, was)


def test_slopes_of_the_encoders_loss_are_those_of_finite_differences(normals: Pixels) -> None:
    detector = make()
    detector.networks.double().train()
    x = detector.see(torch.tensor(normals[:6])).x.double()
    weight = next(iter(detector.encoder.parameters()))
    (slope,) = torch.autograd.grad(detector._move_encoder(x).losses["residual"], weight)
    along = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).double()
    found = []
    for step in (1e-6, -1e-6):
        with torch.no_grad():
            weight.add_(step * along)
        found.append(detector._move_encoder(x).losses["residual"].item())
        with torch.no_grad():
            weight.sub_(step * along)
    assert (found[0] - found[1]) / 2e-6 == pytest.approx((slope * along).sum().item(), rel=1e-3)


@pytest.fixture
def searching(normals: Pixels) -> Anogan:
    detector = make(search="steps", search_steps=20, search_rate=0.1)
    for _ in range(3):
        detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    return detector


def test_a_search_comes_nearer_and_is_the_same_alone_and_again(
    searching: Anogan, normals: Pixels
) -> None:
    scores = searching.score(normals)
    np.testing.assert_array_equal(searching.score(normals), scores)
    np.testing.assert_allclose(searching.score(normals[7:8]), scores[7:8], rtol=1e-3)
    start = make(search="steps", search_steps=1, search_rate=1e-9)
    start.load_weights(searching.weights())
    assert (scores < start.score(normals)).mean() > 0.9
    rebuilt = searching.rebuild(normals)
    assert rebuilt.shape == normals.shape
    assert rebuilt.dtype == np.float32


def test_a_search_says_why_it_cannot_be_a_model_of_onnx(searching: Anogan) -> None:
    assert "encoder" in (searching.parameters.only_in_torch or "")
    assert make().parameters.only_in_torch is None


def test_its_bundle_has_no_model_scores_from_its_weights_and_is_not_served(
    digits: Split, tmp_path: Path
) -> None:
    parameters = {"search": "steps", "search_steps": 2, "width": 2, "code_dim": 2, "epochs": 1}
    configuration = Configuration(
        detector="anogan", parameters=parameters, runtime={"device": "cpu"}
    )
    cell = train_cell(configuration, digits.development, digits.test, "3", seed=0)
    (tmp_path / "model.onnx").write_bytes(b"of an earlier bundle")
    write_bundle(tmp_path, configuration, digits, [cell])

    assert not (tmp_path / "model.onnx").exists()
    assert "no ONNX model" in (tmp_path / "card.md").read_text(encoding="utf-8")
    assert without_model(configuration, ["3"])[0].startswith(
        "bundles have no ONNX model: search=steps"
    )
    bundle = load_bundle(tmp_path, device="cpu")
    assert bundle.backend == "torch"
    assert np.isfinite(bundle.score(digits.test.images[:3])).all()
    with pytest.raises(BundleError, match=r"lacks model\.onnx; search=steps finds z by gradient"):
        check_bundles({"3": tmp_path})


def test_with_a_search_no_encoder_is_trained_and_a_look_has_the_game_only(
    searching: Anogan, normals: Pixels
) -> None:
    assert len(searching.moves) == 2
    look = searching.look(normals)
    assert look.rebuilt is None
    assert look.game is not None
    assert look.game.codes is None


def test_a_search_interrupted_in_training_goes_on_as_if_it_was_not(normals: Pixels) -> None:
    through, again = make(search="steps"), make(search="steps")
    through.fit_epoch(normals)
    through.prepare_to_score(normals)
    again.load_state_dict(copy.deepcopy(through.state_dict()))
    for detector in (through, again):
        detector.fit_epoch(normals)
        detector.prepare_to_score(normals)
    np.testing.assert_array_equal(through.score(normals), again.score(normals))


def test_networks_are_those_of_the_public_code_at_its_width() -> None:
    wide = make((3, 32, 32), width=128, code_dim=100)
    kinds = nn.Conv2d | nn.ConvTranspose2d
    channels = {
        name: [part.out_channels for part in network.modules() if isinstance(part, kinds)]
        for name, network in wide.networks.items()
    }

    assert channels["generator"] == [256, 128, 3]
    assert channels["discriminator"] == channels["encoder"] == [128, 256, 512]
    judge = wide.networks["discriminator"]
    assert not [part for part in judge.modules() if "BatchNorm" in type(part).__name__]
