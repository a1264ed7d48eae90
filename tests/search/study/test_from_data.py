"""A search of one's own images without a study file inherits nothing from the study of digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from made_data_sets import write_folder  # noqa: F401 - a fixture

from memgan.config import parse, to_yaml
from memgan.errors import ConfigError, UnknownName
from search.study.from_data import (
    as_begun,
    begun_study,
    choice_lines,
    doubtful_lines,
    study_of_data,
)
from search.study.study import Study
from search.workflow.extension import extended


@pytest.fixture
def photos(write_folder: Callable[..., Path]) -> str:  # noqa: F811
    return str(write_folder({"good": 40, "scratch": 8}, shape=(90, 90)))


def test_the_embedded_study_is_taken_for_digits_alone(photos: str) -> None:
    embedded = Study.default().with_options(name="mine")

    assert begun_study(None, {"name": "mine"}) == embedded
    assert begun_study(None, {"name": "mine", "source": "digits"}) == embedded
    assert embedded.chosen is None
    for mine in (
        begun_study(None, {"normal_class": "good", "source": photos}),
        begun_study(None, {"normal_class": "good"}, [f"data.source={photos}"]),
    ):
        assert mine.data.image_size == (64, 64)
        assert mine.fixed == {"width": 16, "batch_size": 16, "epochs": 500}
        assert mine.budget.trials == 24
        assert mine.search_space["learning_rate"] != embedded.search_space["learning_rate"]


def test_a_study_file_is_taken_as_it_is_written(photos: str, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("{space: {memory_units: [4, 8]}, fixed: {epochs: 3}}")

    study = begun_study(file, {"source": photos})

    assert study.chosen is None
    assert study.fixed == {"epochs": 3}
    assert study.data.image_size is None


def test_what_is_stated_wins(photos: str) -> None:
    study = study_of_data(
        {"source": photos, "epochs": 20, "trials": 3},
        ["data.image_size=16", "width=4", "batch_size=[8,16]"],
    )

    assert study.epochs == 20
    assert study.budget.trials == 3
    assert study.data.image_size == (16, 16)
    assert study.fixed["width"] == 4
    assert "batch_size" in study.space
    assert list(study.chosen or {}) == ["data.calibration", "scheduler.grace_epochs"]


def test_choices_are_told_a_line_each_and_stand_in_the_study_file(photos: str) -> None:
    study = study_of_data({"source": photos, "normal_class": "good"})

    lines = choice_lines(study)
    assert lines[0].startswith("data.image_size 64×64: images are 90×90")
    assert any(line.startswith("fixed.epochs ") and "steps" in line for line in lines)
    written = yaml.safe_load(to_yaml(study))
    assert written["data"]["image_size"] == [64, 64]
    assert written["fixed"]["epochs"] == study.epochs
    assert written["chosen"]["budget.trials"]
    assert parse(Study, written, "again") == study
    assert choice_lines(Study.default()) == []


def test_a_choice_that_is_overruled_later_loses_its_reason(photos: str) -> None:
    study = study_of_data({"source": photos})

    assert "fixed.epochs" not in (study.with_options(epochs=7).chosen or {})
    assert "fixed.epochs" in (study.with_options(epochs=study.epochs).chosen or {})
    assert "fixed.width" not in (study.with_settings(["width=[4, 8]"]).chosen or {})


def test_a_resumed_study_keeps_its_choices_and_its_budget_grows(photos: str) -> None:
    written = study_of_data({"source": photos, "name": "mine"})

    again = extended(written, {"epochs": written.epochs}, [])
    larger = extended(written, {"trials": 40}, [])

    assert again == written
    assert larger.budget.trials == 40
    assert "budget.trials" not in (larger.chosen or {})
    assert larger.fixed == written.fixed


def test_another_machine_goes_on_with_the_values_that_were_chosen_first(photos: str) -> None:
    begun = study_of_data({"source": photos, "name": "mine"}).with_options(trials=40)
    elsewhere = study_of_data({"source": photos, "name": "mine", "device": "cuda"})
    other = elsewhere.model_copy(update={"fixed": {**elsewhere.fixed, "width": 32}})

    same = as_begun(other, begun)

    assert same.fixed == begun.fixed
    assert same.budget == begun.budget
    assert same.chosen == begun.chosen


def test_a_stated_value_stays_another_one(photos: str) -> None:
    begun = study_of_data({"source": photos, "name": "mine"})
    stated = study_of_data({"source": photos, "name": "mine", "epochs": 3})

    assert as_begun(stated, begun).epochs == 3


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ({"trials": 0}, [], "options: budget.trials = 0"),
        ({}, ["data.image_size=4"], "--set: data.image_size = 4"),
        ({}, ["epoch=4"], "did you mean 'epochs'"),
        ({"detector": "kde"}, [], "nothing to search"),
        ({"time_budget": "soon"}, [], "write 90s"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(
    photos: str, options: dict[str, object], settings: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        study_of_data({"source": photos, **options}, settings)


def test_a_source_that_there_is_not_is_told_before_anything_is_made() -> None:
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        study_of_data({"source": "digit"})


def test_time_alone_ends_a_study_that_names_no_trials(photos: str) -> None:
    assert study_of_data({"source": photos, "time_budget": "30m"}).budget.trials == 1000


@pytest.mark.parametrize(
    ("written", "trials"),
    [
        ({"budget": {"time": "30m"}}, 1000),
        ({"budget": {"time": "30m", "trials": 5}}, 5),
        ({"budget": {"time": "30m"}, "scheduler": "pbt"}, 12),
        ({"budget": {}}, 12),
        ({}, 12),
    ],
)
def test_time_alone_is_a_budget_in_a_study_file_too(
    written: dict[str, object], trials: int
) -> None:
    content = {"space": {"learning_rate": [1e-3, 1e-2]}, "fixed": {"epochs": 9}, **written}

    assert parse(Study, content, "file").budget.trials == trials


def test_few_steps_and_large_images_of_a_study_file_are_told() -> None:
    content = {"space": {"memory_units": [4, 8]}, "fixed": {"epochs": 7}}
    study = parse(Study, content, "file")

    size, steps = doubtful_lines(study, 108, (3, 256, 256))

    assert "256×256" in size
    assert "14 steps" in steps
    assert doubtful_lines(study, 5400, (1, 28, 28)) == []
