"""Detectors' parameters: nested, dotted or flat, one meaning."""

from __future__ import annotations

from typing import Any

import pytest

from memgan.config.parameters import (
    PARAMETERS,
    LearningRate,
    MemganParameters,
    flatten,
    make_parameters,
    nest,
)
from memgan.errors import MemganError


def memgan(**values: Any) -> MemganParameters:
    made = make_parameters("memgan", values, "test")
    assert isinstance(made, MemganParameters)
    return made


@pytest.mark.parametrize("detector", sorted(PARAMETERS))
def test_flat_parameters_make_the_same_again(detector: str) -> None:
    given = {"learning_rate.memory": 0.5} if detector == "memgan" else {}
    made = make_parameters(detector, given, "test")

    flat = flatten(made)

    assert make_parameters(detector, flat, "test") == made
    assert not any(isinstance(value, dict | list) for value in flat.values())


def test_a_dotted_key_sets_one_member() -> None:
    rates = memgan(**{"learning_rate": 0.01, "learning_rate.encoder": 0.1}).learning_rate

    assert rates == LearningRate(encoder=0.1, generator=0.01, discriminator=0.01, memory=0.01)
    assert memgan(learning_rate=0.02).learning_rate == LearningRate.same(0.02)


def test_the_order_of_dotted_and_whole_does_not_matter() -> None:
    one = nest({"learning_rate.encoder": 0.1, "learning_rate": 0.01})

    assert one == nest({"learning_rate": 0.01, "learning_rate.encoder": 0.1})


def test_a_rate_without_a_point_is_a_number_as_other_values_are() -> None:
    assert memgan(learning_rate="1e-2").learning_rate == LearningRate.same(0.01)
    assert memgan(memory_std="1e-2").memory_std == 0.01


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"memory_dims": 3}, "did you mean 'memory_dim'"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"learning_rate": True}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"cycle_weight": float("nan")}, "cycle_weight"),
        ({"learning_rate.decoder": 0.1}, "learning_rate.decoder"),
        ({"epochs.x": 1, "epochs": "three"}, "epochs"),
        ({"learning_rate": "fast", "learning_rate.encoder": 0.1}, "learning_rate"),
        ({"encoder_game": "none"}, "saturating"),
    ],
)
def test_a_wrong_parameter_is_named_in_one_line(values: dict[str, Any], message: str) -> None:
    with pytest.raises(MemganError, match=message) as caught:
        memgan(**values)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
