from __future__ import annotations

import optuna
import pytest

from memgan.errors import ConfigError
from search.sampler import SAMPLERS, Tpe, build_sampler, make_sampler


def _points(name: str, seed: int, trials: int = 6) -> list[dict[str, float]]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    for number in range(trials):
        study.sampler = build_sampler(
            make_sampler(name), seed=seed, number=number, trials=trials, conditional=False
        )
        trial = study.ask()
        value = trial.suggest_float("a", 0, 1) + trial.suggest_int("b", 0, 9)
        study.tell(trial, value)
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", SAMPLERS)
def test_points_follow_from_seed_and_number(name: str) -> None:
    assert _points(name, seed=1) == _points(name, seed=1)
    if name != "qmc":
        assert _points(name, seed=1) != _points(name, seed=2)


@pytest.mark.parametrize("name", ["tpe", "qmc", "random"])
def test_points_differ_from_each_other(name: str) -> None:
    points = [tuple(point.values()) for point in _points(name, seed=1)]
    assert len(set(points)) == len(points)


@pytest.mark.parametrize(("trials", "startup"), [(1, 1), (12, 4), (100, 10)])
def test_start_up_is_at_most_a_third(trials: int, startup: int) -> None:
    assert Tpe().startup(trials) == startup


def test_options_of_another_sampler_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown key 'population'"):
        make_sampler({"name": "tpe", "population": 4})
