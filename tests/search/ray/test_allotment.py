from __future__ import annotations

import re

import pytest

from memgan.errors import ConfigError
from search.ray.allotment import Allotment, allot
from search.study.study import Resources

GIB = float(1 << 30)


@pytest.mark.parametrize(
    ("wanted", "there", "chosen"),
    [
        ({}, {"CPU": 2.0}, (2, 1, 0)),
        ({"max_concurrent": 1}, {"CPU": 8.0}, (1, 1, 0)),
        ({"cpus_per_trial": 3}, {"CPU": 8.0}, (2, 3, 0)),
        ({}, {"CPU": 8.0, "memory": 3 * GIB}, (3, 1, 0)),
        ({}, {"CPU": 16.0, "GPU": 2.0}, (8, 1, 0.25)),
        ({"gpus_per_trial": 0.4}, {"CPU": 16.0, "GPU": 2.0}, (4, 1, 0.4)),
        ({"gpus_per_trial": 1}, {"CPU": 16.0, "GPU": 2.0}, (2, 1, 1)),
        ({"device": "cpu"}, {"CPU": 16.0, "GPU": 2.0}, (16, 1, 0)),
        ({"gpus_per_trial": 0}, {"CPU": 4.0, "GPU": 2.0}, (4, 1, 0)),
    ],
)
def test_trials_at_once_follow_from_what_is_there(
    wanted: dict[str, float], there: dict[str, float], chosen: tuple[int, float, float]
) -> None:
    assert allot(Resources.model_validate(wanted), there) == Allotment(*chosen)


def test_the_runtime_follows_from_the_allotment() -> None:
    expected = {"device": "cpu", "threads": 2, "packing": "off", "precision": "auto"}
    assert Allotment(1, 2, 0, "off").runtime.model_dump() == expected
    assert Allotment(1, 1, 0.25).runtime.device == "cuda"


@pytest.mark.parametrize("places", [*range(1, 41), 50, 64, 100, 1000])
def test_a_fraction_gives_as_many_places_as_it_says(places: int) -> None:
    """As a computer writes it, and as a person does who rounds it down."""
    for share in (1 / places, int(1e6 / places) / 1e6):
        on_gpu = Resources(gpus_per_trial=share, cpus_per_trial=0.01)
        assert allot(on_gpu, {"CPU": 64.0, "GPU": 1.0}).at_once == places
        assert allot(on_gpu, {"CPU": 64.0, "GPU": 3.0}).at_once == 3 * places
        assert allot(Resources(cpus_per_trial=share), {"CPU": 1.0}).at_once == places


@pytest.mark.parametrize(
    ("share", "cpus", "places"),
    [(0.1, 2, 20), (0.3, 3, 10), (0.6, 3, 5), (0.7, 7, 10), (1.1, 11, 10)],
)
def test_fractions_of_several_cores_lose_no_place(share: float, cpus: int, places: int) -> None:
    assert allot(Resources(cpus_per_trial=share), {"CPU": float(cpus)}).at_once == places


def test_ray_finds_room_for_all_that_are_counted() -> None:
    """Ray counts in ten-thousandths, rounded to the nearest."""
    for places in range(1, 200):
        chosen = allot(Resources(gpus_per_trial=1 / places), {"CPU": 999.0, "GPU": 1.0})
        assert chosen.at_once * round(chosen.gpus_per_trial * 10_000) <= 10_000


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ({"device": "cuda"}, "Ray reports no GPU; use cpu or auto"),
        ({"gpus_per_trial": 1}, "wants 1 GPU and there is none; give --gpus-per-trial 0"),
        ({"cpus_per_trial": 3}, "wants 3 CPU and there are 2; give --cpus-per-trial 2"),
        ({"gpus_per_trial": 1.5}, "above 1 a trial takes whole GPUs; give 2"),
        ({"cpus_per_trial": 0.00001}, "the smallest share is 0.0001"),
    ],
)
def test_what_is_not_there_is_refused_with_what_would_do(
    wanted: dict[str, float], line: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(line)):
        allot(Resources.model_validate(wanted), {"CPU": 2.0})
