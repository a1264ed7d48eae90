"""What MLflow's pages say of a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from search.finals.certainty import Caution
from search.report.descriptions import (
    describe_beginning,
    describe_model,
    describe_result,
    describe_version,
)
from search.report.report import Report
from tracking import names

Make = Callable[..., Any]


@pytest.fixture
def report(make_study: Make, make_report: Make) -> Report:
    found: Report = make_report(make_study(), ("ship", "frog"))
    return found


def test_a_study_without_a_result_says_what_is_searched(make_study: Make) -> None:
    run, experiment = describe_beginning(make_study(), "digits")

    assert run.startswith("**memgan on digits**, no result yet: 12 trials of 7 epochs")
    assert "`memory_units`" in run
    assert experiment.startswith(run)
    assert "`memgan.winner`" in experiment


def test_a_result_has_the_table_by_class_the_winners_values_and_the_report(report: Report) -> None:
    caution = Caution(group="all", line="two trials cannot be told apart")
    run, experiment = describe_result(report.model_copy(update={"cautions": (caution,)}))

    mean = next(place for place, line in enumerate(run.splitlines()) if "**mean**" in line)
    assert run.splitlines()[mean + 1].startswith("| ship | ")
    assert run.splitlines()[mean + 2].startswith("| frog | ")
    (trial, values), *_ = report.values.items()
    line = next(line for line in run.splitlines() if line.startswith(f"- trial {trial}"))
    assert all(f"`{name}`" in line for name in values)
    assert "(artifact:export/report.html)" in run
    assert "- two trials cannot be told apart" in run
    assert "| ship | " in experiment
    assert "(artifact:export/report.html)" in experiment


def test_a_search_by_class_names_the_winner_of_each_class(report: Report) -> None:
    rows = {
        name: row.model_copy(update={"trial": f"{name}-0001"})
        for name, row in report.classes.items()
    }
    values = {f"{name}-0001": {"memory_units": 25} for name in report.classes}
    of_classes = report.model_copy(
        update={"protocol": "per-class", "classes": rows, "values": values}
    )

    run, _ = describe_result(of_classes)

    assert "**Winners**" in run
    assert "- trial frog-0001 (class frog): `memory_units` 25" in run


def test_of_very_many_classes_the_first_are_shown_under_the_mean(report: Report) -> None:
    row = report.classes["ship"]
    classes = {f"class | number {number}": row for number in range(500)}
    anchors = {
        name: anchor.model_copy(update={"classes": dict.fromkeys(classes, anchor.classes["ship"])})
        for name, anchor in report.anchors.items()
    }
    many = report.model_copy(update={"classes": classes, "anchors": anchors})

    for text in (*describe_result(many), describe_version(many)):
        assert 3000 < len(text) <= names.TAG_LENGTH
        assert "| **mean** |" in text
        assert "| class \\| number 3 |" in text
        assert "more classes, in the report." in text


def test_a_version_says_which_study_it_is_from_and_a_model_what_it_takes(report: Report) -> None:
    assert f"From study `{report.study}`, trial" in describe_version(report)
    assert "| ship |" in describe_version(report)
    assert "`champion`" in describe_model(report)


def test_a_name_from_outside_means_nothing_in_markdown(report: Report) -> None:
    named = report.model_copy(update={"dataset": "[x](http://x) *"})
    assert r"\[x\]\(http://x\) \*" in describe_version(named)
