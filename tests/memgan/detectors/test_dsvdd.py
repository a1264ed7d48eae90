"""Deep SVDD beside its paper: its networks, its two phases, and a centre that stays."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.dcae import Dcae
from memgan.detectors.dsvdd import Dsvdd, away_from_zero

_SMALL = {"width": 4, "code_dim": 8, "batch_size": 16, "learning_rate": 3e-3}


def make(shape: tuple[int, int, int] = (1, 8, 8), **values: object) -> Dsvdd:
    detector = build_detector(
        "dsvdd",
        make_parameters("dsvdd", {**_SMALL, **values}, "test"),
        image_shape=shape,
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Dsvdd)
    return detector


def test_networks_are_those_of_its_paper_and_nothing_has_a_bias() -> None:
    grey = make((1, 28, 28), width=8, code_dim=32)
    colour = make((3, 32, 32), width=32, code_dim=128)
    channels = [
        [part.out_channels for part in d.encoder.modules() if isinstance(part, nn.Conv2d)]
        for d in (grey, colour)
    ]

    assert channels == [[8, 4], [32, 64, 128]]
    # 5·5·1·8 + 5·5·8·4 + 4·7·7·32
    assert sum(weight.numel() for weight in grey.encoder.parameters()) == 200 + 800 + 6272
    assert all(not name.endswith("bias") for name, _ in grey.encoder.named_parameters())


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 9, 11), (3, 17, 8)])
def test_the_decoder_gives_the_size_back(shape: tuple[int, int, int]) -> None:
    x = torch.zeros(2, *shape)
    assert make(shape).autoencoder.parts(x).shape == x.shape


def test_a_centre_near_zero_is_moved_away_with_its_sign() -> None:
    moved = away_from_zero(torch.tensor([0.02, -0.03, 0.0, 0.4, -2.0]))
    assert moved.tolist() == pytest.approx([0.1, -0.1, 0.1, 0.4, -2.0])


def test_the_autoencoder_is_trained_first_and_then_the_distance_to_a_centre_that_stays(
    normals: Pixels,
) -> None:
    detector = make(epochs=12, pretraining=0.5)
    told = [detector.fit_epoch(normals) for _ in range(7)]
    centre = detector.centre.clone()
    decoder = [weight.clone() for weight in detector.autoencoder.parts.decoder.parameters()]
    told += [detector.fit_epoch(normals) for _ in range(5)]

    assert [sorted(losses) for losses in told] == [["residual"]] * 6 + [["distance"]] * 6
    assert told[5]["residual"] < told[0]["residual"]
    assert told[-1]["distance"] < told[6]["distance"]
    assert torch.equal(detector.centre, centre)
    assert centre.abs().min() >= 0.0999
    for weight, before in zip(
        detector.autoencoder.parts.decoder.parameters(), decoder, strict=True
    ):
        assert torch.equal(weight, before)


def test_both_phases_have_the_weight_decay_and_the_second_cools_down(normals: Pixels) -> None:
    detector = make(epochs=4, cooldown=0.5, weight_decay=0.01)
    for _ in range(4):
        detector.fit_epoch(normals)

    optimisers = detector.autoencoder.optimisers["net"], detector.optimiser
    assert [o.param_groups[0]["weight_decay"] for o in optimisers] == [0.01, 0.01]
    assert detector.optimiser.param_groups[0]["lr"] == pytest.approx(3e-3 / 20)


def test_weights_start_at_a_scale_that_keeps_codes_apart() -> None:
    first = next(make((1, 28, 28), width=8).encoder.parameters())

    # Xavier's bound, with the gain of the leaky slope: sqrt(2 · 6 / (25 + 25 · 8)).
    assert first.abs().max().item() == pytest.approx((12 / 225) ** 0.5, rel=0.05)


@pytest.mark.parametrize(("share", "epochs", "first"), [(0.58, 100, 58), (0.0, 4, 0), (0.99, 4, 3)])
def test_the_autoencoder_has_its_share_of_the_epochs_and_never_all(
    share: float, epochs: int, first: int
) -> None:
    assert make(pretraining=share, epochs=epochs).pretraining_epochs == first


def test_the_first_phase_is_the_autoencoder_of_the_tables(normals: Pixels) -> None:
    detector = make(epochs=4)
    alone = build_detector(
        "dcae",
        make_parameters("dcae", {**_SMALL, "epochs": 4}, "test"),
        image_shape=(1, 8, 8),
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(alone, Dcae)

    assert [detector.fit_epoch(normals) for _ in range(2)] == [
        alone.fit_epoch(normals) for _ in range(2)
    ]


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_training_taken_up_again_in_any_phase_goes_on_equally(normals: Pixels, done: int) -> None:
    through, again = make(epochs=4), make(epochs=4)
    for epoch in range(4):
        if epoch == done:
            through.prepare_to_score(normals)
            again.load_state_dict(copy.deepcopy(through.state_dict()))
        through.fit_epoch(normals)
    for _ in range(4 - done):
        again.fit_epoch(normals)

    through.prepare_to_score(normals)
    again.prepare_to_score(normals)
    np.testing.assert_array_equal(through.score(normals), again.score(normals))


def test_while_the_autoencoder_is_trained_scores_are_distances_to_the_mean_code(
    normals: Pixels,
) -> None:
    detector = make(epochs=4)
    detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    with torch.no_grad():
        codes = detector._codes(torch.tensor(normals))

    expected = ((codes - codes.mean(dim=0)) ** 2).sum(dim=1).double().numpy()
    np.testing.assert_allclose(detector.score(normals), expected, rtol=1e-5)
