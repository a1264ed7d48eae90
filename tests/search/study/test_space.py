from __future__ import annotations

from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memgan.errors import ConfigError
from search.study.entries import Choice, Ordered, Range
from search.study.space import dump_entry, make_entry, make_space, number_type


def _suggest(raw: dict[str, Any], fixed: dict[str, Any] | None = None, seed: int = 0) -> Any:
    space = make_space("memgan", raw, fixed or {})
    sampler = optuna.samplers.RandomSampler(seed=seed)
    trial = optuna.create_study(sampler=sampler).ask()
    return space.suggest(trial), trial


def test_lists_of_numbers_are_ordered_and_lists_of_words_are_not() -> None:
    assert isinstance(make_entry("memgan", "memory_units", [10, 20]), Ordered)
    assert isinstance(
        make_entry("memgan", "encoder_game", ["saturating", "non-saturating"]), Choice
    )


def test_ordered_lists_reach_optuna_as_places_in_the_list() -> None:
    values, trial = _suggest({"memory_units": [10, 40, 80]})
    distribution = trial.distributions["memory_units@index"]
    assert distribution == optuna.distributions.IntDistribution(0, 2)
    assert values["memory_units"] == [10, 40, 80][trial.params["memory_units@index"]]


def test_ranges_take_the_parameters_own_kind_of_number() -> None:
    whole = make_entry("memgan", "memory_dim", {"low": 8, "high": 32, "step": 8})
    real = make_entry("memgan", "learning_rate", {"low": "1e-4", "high": 1, "log": True})
    assert isinstance(whole, Range)
    assert isinstance(real, Range)
    assert (type(whole.low), type(real.low), type(real.high)) == (int, float, float)
    assert real.low == 1e-4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_suggested_point_makes_a_detector(seed: int) -> None:
    raw = {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "learning_rate.encoder": {"low": 1e-4, "high": 1e-2},
        "memory_dim": {"low": 8, "high": 30, "step": 8},
        "sharpness": {"choice": [1, 3], "when": {"adversarial_weight": {"at_least": 2}}},
        "adversarial_weight": {"low": 0.5, "high": 5.0},
    }
    values, _ = _suggest(raw, seed=seed)
    assert ("sharpness" in values) == (values["adversarial_weight"] >= 2)
    assert values["memory_dim"] in (8, 16, 24)
    from memgan.config.parameters import make_parameters

    make_parameters("memgan", values, "test")


@pytest.mark.parametrize(
    ("when", "searched"),
    [
        ({"width": {"equals": 16}}, True),
        ({"width": {"at_most": 8}}, False),
        ({"encoder_game": {"in": ["saturating"]}}, True),
        ({"learning_rate.encoder": {"at_least": 0.5}}, False),
    ],
)
def test_conditions_may_stand_on_values_that_are_not_searched(
    when: dict[str, Any], searched: bool
) -> None:
    values, _ = _suggest({"sharpness": {"choice": [1, 3], "when": when}})
    assert ("sharpness" in values) is searched


@pytest.mark.parametrize("detector", ["memgan", "memgan-plus", "pca", "memae", "dcae", "alice"])
def test_how_pixels_become_a_score_can_be_searched_with_the_sizes_of_each_way(
    detector: str,
) -> None:
    space = make_space(
        detector,
        {
            "score": ["mean", "top-share", "smoothed-max"],
            "score_window": {"values": [3, 5], "when": {"score": {"equals": "smoothed-max"}}},
            "score_share": {"low": 0.01, "high": 0.1, "when": {"score": {"equals": "top-share"}}},
        },
        {},
    )
    assert space.contains({"score": "smoothed-max", "score_window": 5})
    assert space.contains({"score": "top-share", "score_share": 0.02})
    assert space.contains({"score": "mean"})
    assert not space.contains({"score": "mean", "score_window": 5})


def test_a_detector_that_rebuilds_nothing_has_no_such_choice() -> None:
    with pytest.raises(ConfigError, match="unknown key 'score'"):
        make_space("dsvdd", {"score": ["mean", "top-share"]}, {})


def test_a_condition_on_an_absent_value_sees_what_the_detector_will_use() -> None:
    values, _ = _suggest(
        {
            "sharpness": {"choice": [3], "when": {"cycle_weight": {"at_least": 5}}},
            "cycle_weight": {"low": 6, "high": 7, "when": {"width": {"equals": 99}}},
        }
    )
    assert values == {}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"learning_rat": [1e-3]}, "did you mean 'learning_rate'"),
        ({"learning_rate": {"low": 0.1, "high": 0.01}}, "low must be less than high"),
        ({"learning_rate": {"low": 0.1, "high": 3}}, "less than 1"),
        ({"memory_units": [1, 10]}, "greater than or equal to 2"),
        ({"memory_dim": {"low": 4.5, "high": 9}}, "whole number"),
        ({"width": {"low": 0, "high": 9, "log": True}}, "above 0"),
        ({"width": {"low": 1, "high": 9, "stepp": 2}}, "did you mean 'step'"),
        ({"width": 8}, "belongs under fixed"),
        ({"width": []}, "at least 1"),
        ({"epochs": [1, 2]}, "full budget"),
        ({"width": {"choice": [1], "when": {"depth": {"at_least": 2}}}}, "no parameter 'depth'"),
        ({"width": {"choice": [1], "when": {"memory_dim": {}}}}, "needs at_least"),
        (
            {
                "width": {"choice": [1], "when": {"memory_dim": {"equals": 4}}},
                "memory_dim": {"choice": [4], "when": {"width": {"equals": 1}}},
            },
            "circle: width -> memory_dim -> width",
        ),
    ],
)
def test_faults_of_a_space_are_refused_in_one_line(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_space("memgan", raw, {})
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_parameter_is_fixed_or_searched_but_not_both() -> None:
    with pytest.raises(ConfigError, match="fixed as well"):
        make_space("memgan", {"width": [4, 8]}, {"width": 8})


def test_encoded_points_come_back_as_they_were() -> None:
    raw = {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "memory_units": [10, 40],
        "memory_dim": {"low": 8, "high": 32, "step": 8},
        "encoder_game": ["saturating", "non-saturating"],
    }
    space = make_space("memgan", raw, {})
    point = {
        "learning_rate": 1e-3,
        "memory_units": 40,
        "memory_dim": 24,
        "encoder_game": "non-saturating",
    }
    study = optuna.create_study()
    study.enqueue_trial(space.encode(point))
    assert space.suggest(study.ask()) == point


@pytest.mark.parametrize("value", [7, 41, 20, 9.5])
def test_values_outside_an_entry_are_not_encoded(value: float) -> None:
    assert Range(low=8, high=40, step=8).encode("memory_dim", value) is None


@pytest.mark.parametrize(
    "raw", [[1, 2], ["a", "b"], {"low": 1, "high": 4}, {"choice": [1], "when": {"x": {"in": [1]}}}]
)
def test_entries_are_written_as_they_are_read(raw: Any) -> None:
    entry = make_entry("memgan", "width", raw)
    assert make_entry("memgan", "width", dump_entry(entry)) == entry


def test_values_of_a_section_that_may_be_left_out_are_searched_as_others() -> None:
    raw = {"features.size": [64, "96"], "features.layers": ["stride16", "stride8,stride16"]}
    space = make_space("neighbours", raw, {"features": {"backbone": "filters"}})
    assert number_type("neighbours", "features.size") is int
    assert {"features.size": 96, "features.layers": "stride16"} in list(space.points())
    with pytest.raises(ConfigError, match=r"space\.features\.size"):
        make_space("neighbours", {"features.size": [64, 64.5]}, {})
    with pytest.raises(ConfigError, match="multiple of 32"):
        make_space("neighbours", {"features.size": [64, 100]}, {})
    with pytest.raises(ConfigError, match="features"):
        make_space("memgan-plus", {"features.size": [64, 96]}, {})
