from __future__ import annotations

from typing import Any

import pytest

from memgan.errors import ConfigError
from search.study.compatibility import doubts
from search.study.samplers import SAMPLERS
from search.study.schedulers import SCHEDULERS
from search.study.study import Study

TWO = "val-auroc,scoring-seconds"


def test_every_sampler_goes_with_every_scheduler_but_a_population() -> None:
    for sampler in SAMPLERS:
        for scheduler in set(SCHEDULERS) - {"pbt"}:
            study = Study.default().with_options(sampler=sampler, scheduler=scheduler)
            assert (study.sampler.name, study.scheduler.name) == (sampler, scheduler)


@pytest.mark.parametrize(
    ("options", "settings", "reason"),
    [
        ({"sampler": "tpe", "scheduler": "pbt"}, [], "changes values itself.*leave sampler out"),
        ({"scheduler": "pbt", "trials": 1}, [], "needs a population"),
        ({"scheduler": "pbt", "epochs": 1}, [], "every 1 epochs and a trial has 1"),
        ({"scheduler": "pbt"}, ["scheduler.mutate=[memory_units]"], "cannot change in training"),
        ({"scheduler": "pbt"}, ["scheduler.mutate=[beta1]"], "beta1 is not searched"),
        ({"scheduler": "pbt"}, ["scheduler.factors=[1.1, 1.2]"], "one below and one above 1"),
        ({"scheduler": "pbt", "detector": "pca"}, [], "nothing to change"),
        ({"scheduler": "asha", "objective": TWO}, [], "stops trials by one objective"),
        ({"sampler": "cmaes", "objective": TWO}, [], "cmaes knows one objective"),
        ({"sampler": "cmaes", "detector": "pca"}, [], "two numbers at least"),
        ({"objective": "scoring-seconds"}, [], "must be the first, and only there"),
        ({"objective": "val-auroc,label-free"}, [], "must be the first, and only there"),
        ({"detector": "pca", "objective": "val-auroc,address_perplexity"}, [], "no such measure"),
    ],
)
def test_what_makes_no_sense_together_is_refused_with_its_reason(
    options: dict[str, Any], settings: list[str], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as refusal:
        Study.default().with_options(**options).with_settings(settings)
    assert "\n" not in str(refusal.value)


def test_only_words_cannot_be_spread_evenly() -> None:
    with pytest.raises(ConfigError, match="only words"):
        Study.model_validate(
            {"space": {"encoder_game": ["saturating", "non-saturating"]}, "sampler": "qmc"}
        )


def test_a_population_needs_no_sampler_named() -> None:
    assert Study.default().with_options(scheduler="pbt").sampler.name == "random"
    assert Study.default().with_settings(["scheduler.name=pbt"]).sampler.name == "random"
    space = {"learning_rate": {"low": 1e-4, "high": 1e-2}}
    study = Study.model_validate({"space": space, "scheduler": {"name": "pbt"}})
    assert study.sampler.name == "random"


def test_naming_several_objectives_lets_go_of_a_scheduler_that_was_not_asked_for() -> None:
    study = Study.default().with_options(objective=TWO)
    assert study.objectives == ("val-auroc", "scoring-seconds")
    assert study.scheduler.name == "none"
    assert Study.default().objectives == ("val-auroc",)


def test_made_anomalies_are_not_asked_about_contrast_without_a_word() -> None:
    study = Study.default().with_settings(["contrast_normalised=[true, false]"])

    assert "--set contrast_normalised=true" in doubts("label-free", study.space)[0]
    assert doubts("val-auroc", study.space) == []
    assert doubts("label-free", Study.default().space) == []
