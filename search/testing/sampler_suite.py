"""What every sampler must do: a pytest suite, for ours and for those of plug-ins."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from search.journal import Journal, build_sampler, open_to_write
from search.study import CmaEs, PluginSampler, Sampler, Study, make_sampler

SPACE: Mapping[str, Any] = MappingProxyType(
    {
        "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
        "memory_units": [10, 25, 50],
        "memory_dim": {"low": 8, "high": 32, "step": 8},
        "batch_size": {"low": 16, "high": 64},
        "adversarial_weight": {"low": 0.5, "high": 5.0},
        "encoder_game": ["saturating", "non-saturating"],
        "sharpness": {"choice": [1, 3, 5], "when": {"adversarial_weight": {"at_least": 2}}},
        "beta1": {"low": 0.0, "high": 0.9, "when": {"encoder_game": {"equals": "saturating"}}},
    }
)
"""Every kind of entry, two of them under a condition."""


class SamplerSuite:
    """Subclass it as `class TestMine(SamplerSuite)` and say `name`."""

    name: ClassVar[str]
    """The name that the sampler is registered under."""

    @pytest.fixture
    def sampler(self) -> Sampler:
        return make_sampler(self.name)

    def test_the_same_seed_and_number_give_the_same_points(self, sampler: Sampler) -> None:
        assert points(sampler, seed=1) == points(sampler, seed=1)

    def test_it_searches_every_kind_of_entry_beside_failed_and_stopped_trials(
        self, sampler: Sampler, tmp_path: Path
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = searched(tmp_path, sampler=sampler)
        assert len(found) == 14
        assert all(map(is_inside, found))
        for key in ("memory_units", "memory_dim", "encoder_game"):
            assert len({values[key] for values in found}) > 1
        assert {"sharpness" in values for values in found} == {True, False}

    def test_several_objectives_are_taken_unless_it_says_that_it_knows_one(
        self, sampler: Sampler, tmp_path: Path
    ) -> None:
        if isinstance(sampler, PluginSampler) and not sampler.SEVERAL_OBJECTIVES:
            return
        if isinstance(sampler, CmaEs):
            return
        several: dict[str, Any] = {
            "objective": ["val-auroc", "scoring-seconds"],
            "scheduler": "none",
        }
        found = searched(tmp_path, sampler=sampler, **several)
        assert len(found) == 14
        assert all(map(is_inside, found))

    def test_a_starting_configuration_is_completed(self, sampler: Sampler, tmp_path: Path) -> None:
        found = searched(
            tmp_path,
            sampler=sampler,
            start_from=[{"memory_units": 25, "adversarial_weight": 3.0}, "paper"],
        )
        assert (found[0]["memory_units"], found[0]["adversarial_weight"]) == (25, 3.0)
        assert all(map(is_inside, found))
        assert (found[1]["learning_rate"], found[1]["memory_units"]) == (1e-4, 50)


def points(sampler: Sampler, seed: int, trials: int = 6) -> list[dict[str, Any]]:
    """What is suggested for two numbers, each trial by a sampler that was built for it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    for number in range(trials):
        study.sampler = build_sampler(
            sampler, seed=seed, number=number, trials=trials, conditional=False
        )
        trial = study.ask()
        value = trial.suggest_float("a", 0, 1) + trial.suggest_int("b", 0, 9)
        study.tell(trial, value)
    return [trial.params for trial in study.trials]


def searched(folder: Path, *, all_end_well: bool = False, **sections: Any) -> list[dict[str, Any]]:
    """The values of all trials; the lower the learning rate, the better, and also the slower.

    Unless all end well, every fourth fails and every fourth is stopped.
    """
    content = {"name": "every", "space": dict(SPACE), "budget": {"trials": 14}, **sections}
    study = Study.model_validate(content)
    journal = Journal(open_to_write(folder / "journal"), study)
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


def is_inside(values: Mapping[str, Any]) -> bool:
    """Whether these values are a point of `SPACE`."""
    return (
        1e-4 <= values["learning_rate"] <= 1e-2
        and values["memory_units"] in (10, 25, 50)
        and values["memory_dim"] in (8, 16, 24, 32)
        and values["batch_size"] in range(16, 65)
        and values["encoder_game"] in ("saturating", "non-saturating")
        and ("sharpness" in values) == (values["adversarial_weight"] >= 2)
        and ("beta1" in values) == (values["encoder_game"] == "saturating")
    )
