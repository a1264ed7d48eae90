"""Health is measured each epoch, and measuring it changes nothing that is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from memgan.config.configuration import Configuration
from memgan.config.parameters import make_parameters
from memgan.data import Pixels, Split
from memgan.detectors import Detector, build_detector
from memgan.health import few_of, measure
from memgan.training import Training, fit_epoch_as_one

Tiny = Callable[..., Configuration]
DETECTORS: dict[str, dict[str, Any]] = {
    "memgan": {"width": 2, "memory_units": 5, "memory_dim": 4},
    "memgan-plus": {"width": 2, "memory_units": 5, "memory_dim": 4, "warp_width": 2},
    "memae": {"width": 2, "memory_units": 5},
    "alice": {"width": 2, "code_dim": 4},
}


def make(name: str, seed: int = 0) -> Detector:
    return build_detector(
        name,
        make_parameters(name, {"batch_size": 8, "epochs": 3, **DETECTORS[name]}, "test"),
        image_shape=(1, 8, 8),
        seed=seed,
        device=torch.device("cpu"),
    )


@pytest.fixture
def normals() -> Pixels:
    return np.random.default_rng(3).integers(0, 256, (24, 1, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_a_look_changes_no_bit_of_what_is_trained(name: str, normals: Pixels) -> None:
    looked_at, left_alone = make(name), make(name)
    for epoch in range(3):
        torch.manual_seed(epoch)
        assert looked_at.fit_epoch(normals) == left_alone.fit_epoch(normals)
        before = torch.random.get_rng_state()
        looked_at.look(few_of(normals))
        assert torch.equal(torch.random.get_rng_state(), before)
    for detector in (looked_at, left_alone):
        detector.prepare_to_score(normals)
    looked_at.look(few_of(normals))
    np.testing.assert_array_equal(looked_at.score(normals), left_alone.score(normals))
    weights = left_alone.weights()
    for key, value in looked_at.weights().items():
        assert torch.equal(value, weights[key]), key


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_looking_again_finds_the_same_also_after_resuming(name: str, normals: Pixels) -> None:
    detector, resumed = make(name), make(name)
    detector.fit_epoch(normals)
    resumed.load_state_dict(detector.state_dict())
    first, again, other = (
        measure(look)
        for look in (detector.look(normals), detector.look(normals), resumed.look(normals))
        if look is not None
    )
    assert first == again == other
    assert first.get("unit_movement", 1) > 0


@pytest.mark.parametrize("name", ["memgan", "memae", "alice"])
def test_health_of_those_trained_as_one_is_as_if_alone(name: str, normals: Pixels) -> None:
    alone, packed = ([make(name, seed) for seed in range(2)] for _ in range(2))
    images = [normals, normals[4:]]
    for _ in range(2):
        fit_epoch_as_one(packed, images)  # type: ignore[arg-type]
        for detector, own in zip(alone, images, strict=True):
            detector.fit_epoch(own)
    for one, other in zip(alone, packed, strict=True):
        expected, found = one.look(normals), other.look(normals)
        assert expected is not None
        assert found is not None
        assert measure(found) == pytest.approx(measure(expected), rel=1e-2, abs=1e-2)


def test_a_report_has_the_health_of_each_class_that_was_trained(tiny: Tiny, digits: Split) -> None:
    configuration = tiny(by_class={"1": {"epochs": 1}})
    training = Training(configuration, digits.development, classes=["0", "1"], seed=0)
    first = training.advance(validate=False).health
    assert set(first) == {"0", "1"}
    assert first["0"]["unit_movement"] > 0
    assert set(training.advance(validate=False).health) == {"0"}
    assert training.standing().health["0"]["residual"] > 0


def test_a_detector_without_memory_and_game_has_no_health(digits: Split) -> None:
    training = Training(Configuration(detector="pca"), digits.development, classes=["0"], seed=0)
    assert training.advance(validate=False).health == {}


def test_a_training_that_an_earlier_version_saved_goes_on(
    tiny: Tiny, digits: Split, tmp_path: Path
) -> None:
    training = Training(tiny(), digits.development, classes=["0"], seed=0)
    training.advance(validate=False)
    training.save(tmp_path / "training.pt")
    state = torch.load(tmp_path / "training.pt", weights_only=True)
    del state["detectors"]["0"]["memory_start"]
    torch.save(state, tmp_path / "training.pt")

    resumed = Training(tiny(), digits.development, classes=["0"], seed=0)
    resumed.load(tmp_path / "training.pt")
    expected = training.advance(validate=False).health["0"]
    assert resumed.advance(validate=False).health["0"] == expected
