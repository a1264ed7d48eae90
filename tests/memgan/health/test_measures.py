"""Each measure by hand, and taken of what real detectors make of images."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import tensor

from memgan.config.parameters import PARAMETERS, make_parameters
from memgan.detectors import Detector, GameLook, Look, MemoryLook, build_detector
from memgan.health import MEASURES, by_measure, few_of, mean_health, measure
from memgan.health.measures import (
    information_share,
    movement,
    nearest_other,
    perplexity,
    residual_share,
    share_above_zero,
    share_in_hull,
    spread,
)

SMALL = {
    "memgan": {"width": 2, "memory_units": 5, "memory_dim": 3},
    "memgan-plus": {"width": 2, "memory_units": 5, "memory_dim": 3, "warp_width": 2},
    "memae": {"width": 2, "memory_units": 5},
    "alice": {"width": 2, "code_dim": 3},
    "autoencoder": {"width": 2, "code_dim": 3},
    "dcae": {"width": 2, "code_dim": 3},
    "ama": {"width": 2, "critic_width": 2, "code_dim": 3},
    "dagmm": {"width": 2},
    "anogan": {"width": 2, "code_dim": 3},
    "alad": {"width": 4, "code_dim": 3},
    "dsebm": {"width": 2},
}
OF_MEMORY = {"address_perplexity", "address_usage", "unit_movement", "unit_distance"} | {
    "unit_spread",
    "code_spread",
}
OF_GAME = {"d_on_encoded", "d_on_generated", "d_accuracy", "code_spread", "sample_spread"}
OF_REBUILT = {"residual", "rebuilt_spread"}
OF_SAMPLES = {"sample_perplexity", "mutual_information"}
HAVE = {
    "memgan": OF_MEMORY | OF_GAME | OF_REBUILT | OF_SAMPLES,
    "memgan-plus": OF_MEMORY | OF_GAME | OF_REBUILT | OF_SAMPLES,
    "memae": OF_MEMORY | OF_REBUILT,
    "alice": OF_GAME | OF_REBUILT,
    "autoencoder": OF_REBUILT,
    "dcae": OF_REBUILT,
    "ama": OF_GAME - {"sample_spread"} | OF_REBUILT,
    "dagmm": OF_REBUILT,
    "anogan": OF_GAME | OF_REBUILT,
    "alad": OF_GAME | OF_REBUILT,
    "dsebm": OF_REBUILT,
}


def make(name: str) -> Detector:
    return build_detector(
        name,
        make_parameters(name, SMALL.get(name, {}), "test"),
        image_shape=(1, 8, 8),
        seed=1,
        device=torch.device("cpu"),
    )


def images(count: int = 20) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)


def test_perplexity_counts_the_units_that_an_address_is_spread_over() -> None:
    addresses = tensor([[1.0, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [0.0] * 4, [0.2, 0.2, 0, 0]])
    assert perplexity(addresses).tolist() == pytest.approx([1, 4, 2, 1, 2])


def test_spread_is_the_root_of_the_mean_squared_distance_from_the_mean() -> None:
    assert float(spread(tensor([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0], [3.0, 4.0]]))) == 2.5


def test_movement_is_a_share_of_the_length_at_the_start() -> None:
    start = tensor([[3.0, 4.0], [0.0, 5.0]])
    moved = tensor([[3.0, 5.0], [2.0, 5.0]])
    assert float(movement(moved, start)) == pytest.approx((1 + 2) / 2 / 5)
    assert float(movement(start, start)) == 0


def test_the_nearest_other_unit_is_not_the_unit_itself() -> None:
    assert nearest_other(tensor([[0.0], [1.0], [5.0]])).tolist() == [1, 1, 4]


def test_mutual_information_is_one_where_what_is_found_again_is_even() -> None:
    sampled = tensor([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    assert float(information_share(sampled, torch.zeros(2, 3))) == pytest.approx(1)
    found = tensor([[2.0, 0.0, 0.0]])
    by_hand = -math.log(math.e**2 / (math.e**2 + 2)) / math.log(3)
    assert float(information_share(sampled[:1], found)) == pytest.approx(by_hand)


def test_an_undecided_discriminator_is_right_half_of_the_time() -> None:
    assert float(share_above_zero(tensor([1.0, -2.0, 3.0, 4.0]))) == 0.75
    assert float(share_above_zero(torch.zeros(3))) == 0.5


def test_the_residual_of_the_mean_image_is_one() -> None:
    x = tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    assert float(residual_share(x, x.mean(dim=0).expand(4, 2))) == pytest.approx(1)
    assert float(residual_share(x, x)) == 0
    assert float(residual_share(x, x + tensor([0.0, 1.0]))) == pytest.approx(1 / math.sqrt(2))


def test_codes_are_counted_that_lie_in_the_hull_of_the_units() -> None:
    square = tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    codes = tensor([[0.5, 0.5], [0.9, 0.1], [1.5, 0.5], [1.0, 1.0]])
    assert float(share_in_hull(codes, square)) == 0.75


def test_a_whole_look_by_hand() -> None:
    codes, units = tensor([[1.0, 0.0], [3.0, 0.0]]), tensor([[0.0, 0.0], [0.0, 2.0]])
    look = Look(
        images=tensor([[0.0], [2.0]]),
        rebuilt=tensor([[0.5], [1.5]]),
        memory=MemoryLook(
            codes=codes,
            addresses=tensor([[1.0, 0.0], [0.0, 1.0]]),
            units=units,
            start=tensor([[0.0, 0.0], [0.0, 1.0]]),
        ),
        game=GameLook(codes, tensor([[0.0, 0.0], [0.0, 6.0]]), tensor([2.0, 1.0]), torch.ones(2)),
    )
    assert measure(look) == pytest.approx(
        {
            "d_on_encoded": 1,
            "d_on_generated": 0,
            "d_accuracy": 0.5,
            "address_perplexity": 0.5,
            "address_usage": 1,
            "unit_movement": 1,
            "unit_distance": 2,
            "unit_spread": 1,
            "code_spread": 1,
            "sample_spread": 3,
            "residual": 0.5,
            "rebuilt_spread": 0.5,
        }
    )


def test_what_cannot_be_said_is_left_out() -> None:
    lost = Look(tensor([[1.0], [2.0]]), tensor([[math.nan], [1.0]]))
    assert measure(lost) == {}


@pytest.mark.parametrize("name", sorted(HAVE))
def test_a_detector_with_a_memory_or_a_game_has_their_measures(name: str) -> None:
    look = make(name).look(images())
    assert look is not None
    found = measure(look)
    assert set(found) == HAVE[name]
    assert list(found) == [key for key in MEASURES if key in found]


@pytest.mark.parametrize("name", sorted(set(PARAMETERS) - set(HAVE)))
def test_detectors_that_have_neither_have_no_measures(name: str) -> None:
    assert make(name).look(images()) is None


def test_the_hull_is_looked_at_where_it_has_an_inside_and_an_epoch_is_long() -> None:
    for count, units, known in ((100, 5, True), (99, 5, False), (100, 4, False)):
        detector = build_detector(
            "memgan",
            make_parameters("memgan", {**SMALL["memgan"], "memory_units": units}, "test"),
            image_shape=(1, 8, 8),
            seed=1,
            device=torch.device("cpu"),
        )
        look = detector.look(images(count))
        assert look is not None
        assert ("in_hull" in measure(look)) == known


def test_a_tenth_of_the_images_is_looked_at_within_bounds() -> None:
    for count, looked_at in ((5, 5), (40, 16), (1000, 100), (6000, 256)):
        assert len(few_of(images(count))) == looked_at
    assert np.array_equal(few_of(images(300)), few_of(images(300)))
    assert not np.array_equal(few_of(images(300)), images(300)[:30])  # They are spread out.


def test_of_large_images_fewer_are_looked_at() -> None:
    for side, looked_at in ((64, 85), (256, 5), (1024, 4)):
        large = np.broadcast_to(np.zeros((3, 1, 1), dtype=np.uint8), (3000, 3, side, side))
        assert len(few_of(large)) == looked_at


def test_of_images_that_are_all_alike_there_is_no_share_of_their_spread() -> None:
    alike = torch.linspace(-1, 1, 64).reshape(8, 8).expand(16, 1, 8, 8)
    found = measure(Look(alike, alike + torch.rand(16, 1, 8, 8), None, None))
    assert set(found) == set()
    assert math.isnan(residual_share(alike, alike + 1))
    assert math.isnan(movement(tensor([[1.0, 0.0]]), tensor([[0.0, 0.0]])))


def test_classes_stand_under_each_measure_with_their_mean() -> None:
    healths = {"0": {"residual": 0.4}, "1": {"residual": 0.8, "d_accuracy": 0.6}}
    assert by_measure(healths) == {
        "d_accuracy": {"1": 0.6, "mean": 0.6},
        "residual": {"0": 0.4, "1": 0.8, "mean": pytest.approx(0.6)},
    }
    assert mean_health(healths.values()) == {"residual": pytest.approx(0.6), "d_accuracy": 0.6}
    assert by_measure({}) == {}
