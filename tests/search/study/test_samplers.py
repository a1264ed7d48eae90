from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest

from memgan.errors import ConfigError
from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.journal.samplers import build_sampler
from search.study.samplers import SAMPLERS, Sampler, Tpe, make_sampler
from search.study.study import Study


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


SPACE: dict[str, Any] = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "memory_units": [10, 25, 50],
    "memory_dim": {"low": 8, "high": 32, "step": 8},
    "batch_size": {"low": 16, "high": 64},
    "adversarial_weight": {"low": 0.5, "high": 5.0},
    "encoder_game": ["saturating", "non-saturating"],
    "sharpness": {"choice": [1, 3, 5], "when": {"adversarial_weight": {"at_least": 2}}},
    "beta1": {"low": 0.0, "high": 0.9, "when": {"encoder_game": {"equals": "saturating"}}},
}


def _search(tmp_path: Path, *, all_end_well: bool = False, **sections: Any) -> list[dict[str, Any]]:
    """The values of all trials; the lower the learning rate, the better, and also the slower.

    Unless all end well, every fourth fails and every fourth is stopped.
    """
    content = {"name": "every", "space": SPACE, "budget": {"trials": 14}, **sections}
    study = Study.model_validate(content)
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    found = []
    while (suggestion := journal.ask()) is not None:
        study.parameters(suggestion.values)  # in the detector's own limits
        found.append(suggestion.values)
        score = 1 - 10 * suggestion.values["learning_rate"]
        measured = {"scoring-seconds": 1e-3 / suggestion.values["learning_rate"]}
        if all_end_well:
            journal.finished(suggestion.trial_id, {"mean": score}, measured)
        elif len(found) % 4 == 3:
            journal.failed(suggestion.trial_id, "diverged")
        elif len(found) % 4 == 2 and len(study.objectives) == 1:
            journal.epoch(suggestion.trial_id, 1, score)
            journal.stopped(suggestion.trial_id, {"mean": score}, "asha")
        else:
            journal.finished(suggestion.trial_id, {"mean": score}, measured)
    return found


def _is_inside(values: dict[str, Any]) -> bool:
    return (
        1e-4 <= values["learning_rate"] <= 1e-2
        and values["memory_units"] in (10, 25, 50)
        and values["memory_dim"] in (8, 16, 24, 32)
        and values["batch_size"] in range(16, 65)
        and values["encoder_game"] in ("saturating", "non-saturating")
        and ("sharpness" in values) == (values["adversarial_weight"] >= 2)
        and ("beta1" in values) == (values["encoder_game"] == "saturating")
    )


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_searches_every_kind_of_entry_beside_failed_and_stopped_trials(
    name: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _search(tmp_path, sampler=name)
    assert len(found) == 14
    assert all(map(_is_inside, found))
    for key in ("memory_units", "memory_dim", "encoder_game"):
        assert len({values[key] for values in found}) > 1
    assert {"sharpness" in values for values in found} == {True, False}


def test_tpe_that_remembers_the_space_suggests_what_optunas_own_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = {key: entry for key, entry in SPACE.items() if "when" not in entry}
    ours = _search(tmp_path / "ours", space=flat)

    def optunas(sampler: Sampler, **options: Any) -> optuna.samplers.BaseSampler:
        return build_sampler(sampler, **{**options, "shared_space": None})

    monkeypatch.setattr("search.journal.journal.build_sampler", optunas)
    assert _search(tmp_path / "optunas", space=flat) == ours


@pytest.mark.parametrize("name", sorted(set(SAMPLERS) - {"cmaes"}))
def test_samplers_take_several_objectives(name: str, tmp_path: Path) -> None:
    several = {"objective": ["val-auroc", "scoring-seconds"], "scheduler": "none"}
    found = _search(tmp_path, sampler=name, **several)
    assert len(found) == 14
    assert all(map(_is_inside, found))


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes"])
def test_samplers_that_learn_end_nearer_to_the_best_than_they_began(
    name: str, tmp_path: Path
) -> None:
    space = {key: SPACE[key] for key in ("learning_rate", "adversarial_weight")}
    found = _search(tmp_path, all_end_well=True, sampler=name, space=space, budget={"trials": 40})
    rates = [values["learning_rate"] for values in found]
    assert sum(rates[-10:]) < sum(rates[:10]) / 2


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_starting_configuration_is_completed_by_the_sampler(name: str, tmp_path: Path) -> None:
    found = _search(
        tmp_path,
        sampler=name,
        start_from=[{"memory_units": 25, "adversarial_weight": 3.0}, "paper"],
    )
    assert (found[0]["memory_units"], found[0]["adversarial_weight"]) == (25, 3.0)
    assert all(map(_is_inside, found))
    assert (found[1]["learning_rate"], found[1]["memory_units"]) == (1e-4, 50)
