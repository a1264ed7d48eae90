from __future__ import annotations

import pytest

from memgan.errors import ConfigError
from search.resources import Allotment, allot
from search.study import Resources

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
    assert Allotment(1, 2, 0).runtime.model_dump() == {"device": "cpu", "threads": 2}
    assert Allotment(1, 1, 0.25).runtime.device == "cuda"


@pytest.mark.parametrize(
    "wanted", [{"device": "cuda"}, {"gpus_per_trial": 1}, {"cpus_per_trial": 3}]
)
def test_what_is_not_there_is_refused(wanted: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        allot(Resources.model_validate(wanted), {"CPU": 2.0})
