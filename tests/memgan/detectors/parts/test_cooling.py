"""A learning rate that falls at the end of a training, of the detectors beside MEMGAN."""

from __future__ import annotations

import pytest
import torch

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.autoencoder import Autoencoder
from memgan.detectors.parts.cooling import rate_factor


def test_the_last_epochs_cool_down_by_one_factor_and_without_a_cooldown_none_does() -> None:
    factors = [rate_factor(0.5, epochs=4, epoch=epoch) for epoch in (1, 2, 3, 4)]
    assert factors == pytest.approx([1, 1, 0.05**0.5, 0.05])
    assert {rate_factor(0.0, epochs=4, epoch=epoch) for epoch in (1, 2, 3, 4, 5)} == {1.0}


@pytest.mark.parametrize("name", ["autoencoder", "alice"])
def test_every_optimiser_follows_it_also_in_a_training_that_was_taken_up_again(
    name: str, normals: Pixels
) -> None:
    first = _make(name)
    for _ in range(3):
        first.fit_epoch(normals)
    again = _make(name)
    again.load_state_dict(first.state_dict())
    again.fit_epoch(normals)

    rates = [o.param_groups[0]["lr"] for o in again.optimisers.values()]
    assert rates == pytest.approx([1e-3 * 0.05**0.5] * len(rates))


def _make(name: str) -> Autoencoder:
    values = {"batch_size": 16, "width": 4, "code_dim": 8, "epochs": 5, "cooldown": 0.4}
    detector = build_detector(
        name,
        make_parameters(name, values, "test"),
        image_shape=(1, 8, 8),
        seed=3,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Autoencoder)
    return detector
