"""A sampler of another package searches as ours do."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_plugins import Install

from memgan.errors import ConfigError, PluginFailed, UnknownName
from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.study.samplers import SAMPLERS, make_sampler
from search.study.study import Study
from search.testing.sampler_suite import SamplerSuite

CODE = """
from typing import Literal
from pydantic import Field
from search.study import PluginSampler

class Corner(PluginSampler):
    name: Literal["corner"] = "corner"
    share: float = Field(0.0, ge=0, le=1)

    def build(self, *, seed, number, trials):
        from optuna.samplers import PartialFixedSampler, RandomSampler
        return PartialFixedSampler({{"beta1": self.share}}, RandomSampler(seed=seed))

class Randomly(PluginSampler):
    name: Literal["randomly"] = "randomly"
    SEVERAL_OBJECTIVES = True

    def build(self, *, seed, number, trials):
        from optuna.samplers import RandomSampler
        return RandomSampler(seed=seed)

class Nothing(PluginSampler):
    name: Literal["nothing"] = "nothing"

    def build(self, *, seed, number, trials):
        return None

class Unfinished(PluginSampler):
    name: str = "unfinished"
"""
SPACE = {"beta1": {"low": 0.0, "high": 0.9}, "memory_units": [10, 25, 50]}


@pytest.fixture(autouse=True)
def installed(install: Install) -> None:
    offered = {"corner": "far_samplers:Corner", "nothing": "far_samplers:Nothing"}
    wrong = {"unfinished": "far_samplers:Unfinished", "other": "far_samplers:Corner"}
    offered["randomly"] = "far_samplers:Randomly"
    install("far-samplers", CODE, {"search.samplers": {**offered, **wrong}})


class TestRandomly(SamplerSuite):
    name = "randomly"


def study(**content: object) -> Study:
    base = {"name": "s", "space": SPACE, "budget": {"trials": 4}, "sampler": "corner"}
    return Study.model_validate({**base, **content})


def test_it_suggests_under_its_own_options(tmp_path: Path) -> None:
    journal = Journal(
        open_to_write(tmp_path / "j"), study(sampler={"name": "corner", "share": 0.25})
    )

    points = [suggestion.values for suggestion in iter(journal.ask, None)]

    assert [point["beta1"] for point in points] == [0.25] * 4
    assert len({point["memory_units"] for point in points}) > 1


def test_a_study_with_it_is_read_back_as_it_was_written() -> None:
    written = study(sampler={"name": "corner", "share": 0.5})

    assert Study.model_validate(written.model_dump(mode="json")) == written


def test_its_options_are_checked_as_ours_are() -> None:
    with pytest.raises(ConfigError, match="unknown key 'shere'; did you mean 'share'"):
        make_sampler({"name": "corner", "shere": 1})


def test_an_unknown_sampler_is_answered_with_all() -> None:
    known = ", ".join([*SAMPLERS, "corner", "nothing", "other", "randomly", "unfinished"])
    with pytest.raises(UnknownName, match=f"did you mean 'corner'\\? known: {known}"):
        make_sampler("corners")


@pytest.mark.parametrize(
    ("name", "why"), [("unfinished", "has no method build"), ("other", "Input should be 'corner'")]
)
def test_what_is_no_sampler_of_that_name_is_named(name: str, why: str) -> None:
    with pytest.raises(PluginFailed, match=rf"sampler '{name}' of far-samplers 1\.2.*{why}"):
        make_sampler(name)


def test_one_that_builds_nothing_is_named(tmp_path: Path) -> None:
    journal = Journal(open_to_write(tmp_path / "j"), study(sampler="nothing"))

    with pytest.raises(PluginFailed, match=r"'nothing' of far-samplers 1\.2.*build gave NoneType"):
        journal.ask()


def test_several_objectives_are_refused_unless_it_says_that_it_knows_them() -> None:
    with pytest.raises(ConfigError, match="sampler corner knows one objective; for several take"):
        study(objective=["val-auroc", "scoring-seconds"], scheduler="none")
