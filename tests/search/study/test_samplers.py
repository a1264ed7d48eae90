from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from memgan.errors import ConfigError
from search.journal.samplers import build_sampler
from search.study.samplers import SAMPLERS, Sampler, Tpe, make_sampler
from search.testing.sampler_suite import SPACE, SamplerSuite, points, searched


class TestBuiltIn(SamplerSuite):
    @pytest.fixture(params=SAMPLERS)
    def sampler(self, request: pytest.FixtureRequest) -> Sampler:
        return make_sampler(request.param)


@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"qmc"}))
def test_another_seed_gives_other_points(name: str) -> None:
    assert points(make_sampler(name), seed=1) != points(make_sampler(name), seed=2)


@pytest.mark.parametrize("name", ["tpe", "qmc", "random"])
def test_points_differ_from_each_other(name: str) -> None:
    found = [tuple(point.values()) for point in points(make_sampler(name), seed=1)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("trials", "startup"), [(1, 1), (12, 4), (100, 10)])
def test_start_up_is_at_most_a_third(trials: int, startup: int) -> None:
    assert Tpe().startup(trials) == startup


def test_options_of_another_sampler_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown key 'population'"):
        make_sampler({"name": "tpe", "population": 4})


def test_tpe_that_remembers_the_space_suggests_what_optunas_own_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = {key: entry for key, entry in SPACE.items() if "when" not in entry}
    ours = searched(tmp_path / "ours", space=flat)

    def optunas(sampler: Sampler, **options: Any) -> optuna.samplers.BaseSampler:
        return build_sampler(sampler, **{**options, "shared_space": None})

    monkeypatch.setattr("search.journal.journal.build_sampler", optunas)
    assert searched(tmp_path / "optunas", space=flat) == ours


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes"])
def test_samplers_that_learn_end_nearer_to_the_best_than_they_began(
    name: str, tmp_path: Path
) -> None:
    space = {key: SPACE[key] for key in ("learning_rate", "adversarial_weight")}
    found = searched(tmp_path, all_end_well=True, sampler=name, space=space, budget={"trials": 40})
    rates = [values["learning_rate"] for values in found]
    assert sum(rates[-10:]) < sum(rates[:10]) / 2
