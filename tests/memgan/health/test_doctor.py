"""Each verdict is provoked in a real, tiny training, and is not given where nothing is wrong."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from memgan.config import DetectorParameters
from memgan.config.parameters import PARAMETERS, make_parameters
from memgan.detectors import build_detector
from memgan.health import Health, measure, verdicts

BASE: dict[str, Any] = {"batch_size": 8, "width": 4, "memory_units": 12, "memory_dim": 4}
AWAKE = {"sharpness": 5, "learning_rate": 1e-2, "learning_rate.memory": 1e-1, "memory_units": 16}
ASLEEP, WON = "the memory is asleep", "the discriminator has won"
COLLAPSED, ONLY_MEAN = "units have collapsed", "it rebuilds only the mean image"


def blobs() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:8, 0:8]
    middle = rng.normal(0, 1.2, (48, 1, 2, 1, 1))
    squared = (rows - 4 - middle[:, :, 0]) ** 2 + (columns - 4 - middle[:, :, 1]) ** 2
    return (255 * np.exp(-squared / 6)).astype(np.uint8)


def trained(epochs: int, name: str = "memgan", **values: Any) -> tuple[Health, DetectorParameters]:
    base = BASE if name == "memgan" else {"batch_size": 8, "width": 4}
    parameters = make_parameters(name, {**base, "epochs": epochs, **values}, "test")
    detector = build_detector(
        name, parameters, image_shape=(1, 8, 8), seed=0, device=torch.device("cpu")
    )
    torch.set_num_threads(1)
    for _ in range(epochs):
        detector.fit_epoch(blobs())
    look = detector.look(blobs())
    assert look is not None
    return measure(look), parameters


def named(found: tuple[Health, DetectorParameters]) -> set[str]:
    return {verdict.name for verdict in verdicts(*found)}


@pytest.fixture(scope="module")
def well() -> tuple[Health, DetectorParameters]:
    """A tiny MEMGAN whose memory and game are at work."""
    return trained(24, **AWAKE)


def test_a_memory_and_a_game_at_work_get_no_verdict(
    well: tuple[Health, DetectorParameters],
) -> None:
    assert named(well) == set()
    health, _ = well
    assert 0.3 < health["d_accuracy"] < 0.95
    assert health["address_perplexity"] < 0.5


def test_even_addresses_are_a_memory_asleep() -> None:
    assert ASLEEP in named(trained(2, memory_std=0.1))
    assert ASLEEP in named(trained(2, "memae", memory_units=12, shrinkage=0))


def test_a_discriminator_that_learns_alone_wins() -> None:
    alone = {"learning_rate": 1e-6, "learning_rate.discriminator": 1e-2}
    assert WON in named(trained(4, **alone))
    assert WON not in named(trained(4, **alone, adversarial_weight=0))  # There is no game to win.
    assert WON not in named(trained(4, learning_rate=1e-6))


def test_units_so_far_out_that_one_takes_every_code_have_collapsed() -> None:
    far_out = {"memory_units": 4, "projection_weight": 5, "cycle_weight": 0}
    found = trained(4, memory_std=100, learning_rate=5e-3, **far_out)
    assert COLLAPSED in named(found)
    (seen,) = (verdict.found for verdict in verdicts(*found) if verdict.name == COLLAPSED)
    assert seen.startswith("all codes together use 1.")
    assert COLLAPSED not in named(trained(4, memory_std=1, learning_rate=5e-3, **far_out))


def test_units_that_lie_together_have_collapsed() -> None:
    parameters = make_parameters("memgan", {}, "test")
    assert named(({"unit_distance": 0.09}, parameters)) == {COLLAPSED}
    assert named(({"unit_distance": 0.11}, parameters)) == set()


def test_a_generator_that_learned_nothing_rebuilds_no_more_than_the_mean_image() -> None:
    assert ONLY_MEAN in named(trained(1))
    assert ONLY_MEAN in named(trained(1, "autoencoder", code_dim=4))
    assert ONLY_MEAN not in named(trained(15, "autoencoder", code_dim=4, learning_rate=5e-3))


def test_images_rebuilt_all_alike_are_the_mean_image_whatever_the_residual() -> None:
    parameters = make_parameters("memgan", {}, "test")
    assert named(({"residual": 0.9, "rebuilt_spread": 0.09}, parameters)) == {ONLY_MEAN}
    assert named(({"residual": 0.9, "rebuilt_spread": 0.5}, parameters)) == set()


@pytest.mark.parametrize("name", ["memgan", "memgan-plus", "memae", "alice", "autoencoder"])
def test_advice_names_only_what_the_detector_has(name: str) -> None:
    parameters = make_parameters(name, {}, "test")
    ill = {"address_perplexity": 0.9, "d_accuracy": 1.0, "unit_distance": 0.0, "residual": 1.0}
    found = verdicts(ill, parameters)
    assert {verdict.name for verdict in found} == {ASLEEP, WON, COLLAPSED, ONLY_MEAN}
    known = {*type(parameters).model_fields, "epochs"}
    every = {key for of in PARAMETERS.values() for key in of.model_fields}
    for verdict in found:
        words = set(re.findall(r"[a-z0-9_]+", verdict.advice))
        assert words & every <= known, verdict.advice


def test_nothing_known_is_nothing_wrong() -> None:
    assert verdicts({}, make_parameters("pca", {}, "test")) == ()
