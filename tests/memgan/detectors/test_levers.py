"""Levers of memory and game: each does what it says in a real training, and holds for resuming,
packing and export; without them MEMGAN is what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from memgan.config.memgan_parameters import GameLevers, MemoryLevers
from memgan.config.parameters import MemganParameters, make_parameters
from memgan.data import Pixels
from memgan.detectors import Memgan
from memgan.errors import ConfigError
from memgan.health import measure
from memgan.testing.detector_suite import DetectorSuite, Maker

_SMALL = {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "memory_units": 12, "memory_dim": 8}
LEVERS: dict[str, dict[str, Any]] = {
    "r1": {"r1_weight": 1.0},
    "spectral": {"spectral_norm": True},
    "noise": {"input_noise": 0.3},
    "smoothing": {"label_smoothing": 0.2},
    "dirichlet": {"address_law": "dirichlet", "concentration": 0.2},
    "scale": {"address_scale": 3.0},
    "codes": {"memory_start": "codes"},
    "all": {
        "r1_weight": 1.0,
        "spectral_norm": True,
        "input_noise": 0.3,
        "label_smoothing": 0.2,
        "address_law": "dirichlet",
        "address_scale": 2.0,
    },
}


class TestLevers(DetectorSuite):
    @pytest.fixture
    def maker(self) -> Maker:
        return Maker("memgan", {**_SMALL, **LEVERS["all"], **LEVERS["codes"]})


def make(seed: int = 0, **values: Any) -> Memgan:
    return Memgan(
        MemganParameters(**{**_SMALL, "learning_rate": 3e-3, **values}),
        image_shape=(1, 8, 8),
        seed=seed,
        device=torch.device("cpu"),
    )


def trained(images: Pixels, epochs: int = 2, **values: Any) -> Memgan:
    detector = make(epochs=epochs, **values)
    for _ in range(epochs):
        detector.fit_epoch(images)
    detector.prepare_to_score(images)
    return detector


def test_the_paper_s_reading_is_the_default() -> None:
    values = MemganParameters().model_dump()
    assert {key: values[key] for key in GameLevers.model_fields if key != "epochs"} == {
        "r1_weight": 0,
        "spectral_norm": False,
        "input_noise": 0,
        "label_smoothing": 0,
    }
    assert values["address_law"] == "softmax"
    assert values["address_scale"] == 1
    assert values["memory_start"] == "normal"


@pytest.mark.parametrize("lever", sorted(LEVERS))
def test_every_lever_moves_what_is_trained(lever: str, normals: Pixels) -> None:
    quick = {"learning_rate": 1e-2}  # So that D says something.
    plain = trained(normals, 4, **quick).score(normals)
    assert (trained(normals, 4, **{**quick, **LEVERS[lever]}).score(normals) != plain).any()


def test_r1_holds_the_discriminator_back(normals: Pixels) -> None:
    steep = trained(normals, 5, learning_rate=1e-2)
    flat = trained(normals, 5, learning_rate=1e-2, r1_weight=100.0)
    of_steep, of_flat = steep.look(normals).game, flat.look(normals).game
    assert of_steep is not None
    assert of_flat is not None
    assert of_flat.encoded_logits.abs().mean() < 0.2 * of_steep.encoded_logits.abs().mean()
    assert set(flat.fit_epoch(normals)) - set(steep.fit_epoch(normals)) == {"r1"}


def test_corners_are_sampled_more_often_under_a_small_concentration(normals: Pixels) -> None:
    health = {
        c: measure(make(address_law="dirichlet", concentration=c).look(normals))
        for c in (0.05, 5.0)
    }
    assert health[0.05]["sample_perplexity"] < 0.3
    assert health[5.0]["sample_perplexity"] > 0.7


def test_a_memory_that_starts_from_codes_is_placed_after_the_first_epoch(normals: Pixels) -> None:
    detector = make(memory_start="codes", memory_std=2.0)
    before = detector.memory_units()
    detector.fit_epoch(normals)
    placed = detector.memory_units()
    assert np.abs(placed - before).max() > 0.5
    apart = placed - placed.mean(axis=0)
    assert np.sqrt((apart**2).sum(axis=1).mean()) == pytest.approx(2 * np.sqrt(8), rel=1e-4)
    assert measure(detector.look(normals))["unit_movement"] == 0  # It moves from there on.
    detector.fit_epoch(normals)
    moved = detector.memory_units()
    assert 0 < np.abs(moved - placed).max() < 0.5
    assert measure(detector.look(normals))["unit_movement"] > 0


def test_a_memory_starts_from_the_codes_of_any_number_of_images(normals: Pixels) -> None:
    detector = make(memory_start="codes", memory_units=3, width=2, batch_size=257)
    detector.fit_epoch(np.resize(normals, (257, 1, 8, 8)))  # One more than a batch is looked at.
    assert np.isfinite(detector.memory_units()).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("r1_weight", -1),
        ("label_smoothing", 0.5),
        ("input_noise", -0.1),
        ("concentration", 0),
        ("address_scale", 0),
        ("address_law", "uniform"),
        ("memory_start", "kmeans"),
    ],
)
def test_a_value_out_of_its_range_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=key):
        make_parameters("memgan", {key: value}, "test")


def test_what_makes_shapes_or_scores_cannot_change_in_training() -> None:
    fixed = {"spectral_norm", "address_law", "address_scale", "memory_start"}
    assert not fixed & MemganParameters.CHANGEABLE
    levers = {*GameLevers.model_fields, *MemoryLevers.model_fields} - {"epochs"}
    assert levers - fixed <= MemganParameters.CHANGEABLE
