"""What a report tells beside its table: how sure the choice is, and each kind of made anomaly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from search.finals.certainty import Caution
from search.report.content import (
    caution_lines,
    health_rows,
    made_rows,
    report_markdown,
    report_rows,
    verdict_lines,
    verdicts_by_trial,
)
from search.report.report import Report

Make = Callable[..., Any]
LINES = [f"line {number}" for number in range(7)]


@pytest.fixture
def report(make_study: Make, make_report: Make) -> Report:
    found: Report = make_report(make_study(), ("ship", "frog"))
    return found


def _cautions(*groups: str) -> tuple[Caution, ...]:
    return tuple(
        Caution(group=group, line=line) for group, line in zip(groups, LINES, strict=False)
    )


def test_each_caution_is_a_line_of_the_report(report: Report) -> None:
    text = report_markdown(report.model_copy(update={"cautions": _cautions("all", "all")}), {})

    assert "## How sure the choice is\n\n- line 0\n- line 1\n" in text
    assert "How sure" not in report_markdown(report.model_copy(update={"cautions": ()}), {})


def test_a_report_of_an_earlier_version_has_none(report: Report) -> None:
    content = report.document()
    content.pop("cautions", None)

    assert caution_lines(Report.model_validate(content)) == []


def test_of_many_classes_the_first_are_told_and_the_rest_are_counted(
    report: Report,
) -> None:
    many = report.model_copy(update={"protocol": "per-class", "cautions": _cautions(*"abcdefg")})

    told = caution_lines(many, 5)

    assert told[:2] == ["class a: line 0", "class b: line 1"]
    assert told[5:] == ["and 2 more such lines, in the report"]
    assert len(caution_lines(many)) == 7


def test_kinds_are_columns_and_a_class_without_one_has_a_dash(report: Report) -> None:
    content = report.document()
    content["classes"]["ship"]["made_auroc"] = {"scar": 0.8, "rotation": 0.95}
    content["classes"]["frog"]["made_auroc"] = {"scar": 0.7}
    report = Report.model_validate(content)

    headings, rows = made_rows(report)

    assert headings == ["normal class", "scar", "rotation"]
    assert rows == [["ship", "80.0", "95.0"], ["frog", "70.0", "–"]]
    assert "| ship | 80.0 | 95.0 |" in report_markdown(report, {})


def test_figures_by_pixel_are_columns_where_there_are_masks(report: Report) -> None:
    headings, _ = report_rows(report)
    assert "AUPRO" not in headings
    content = report.document()
    content["classes"]["ship"] |= {"pixel_auroc": 0.981, "aupro": 0.912}
    content["mean"] |= {"pixel_auroc": 0.981, "aupro": 0.912}
    masked = Report.model_validate(content)
    headings, rows = report_rows(masked)
    assert headings[-2:] == ["pixel AUROC", "AUPRO"]
    assert [row[-2:] for row in rows] == [["98.1", "91.2"], ["–", "–"], ["98.1", "91.2"]]
    assert "at their own size" in report_markdown(masked, {})


def test_labelled_anomalies_have_no_kinds(report: Report) -> None:
    assert made_rows(report)[1] == []


def _with_health(report: Report, **verdicts: list[dict[str, str]]) -> Report:
    content = report.document()
    content["classes"]["ship"]["health"] = {"d_accuracy": 0.71, "address_perplexity": 0.92}
    content["classes"]["frog"]["health"] = {"d_accuracy": 0.6}
    for name, of_class in verdicts.items():
        content["classes"][name]["verdicts"] = of_class
    return Report.model_validate(content)


def test_health_is_a_table_of_measures_by_class(report: Report) -> None:
    headings, rows = health_rows(_with_health(report))

    assert headings == ["measure", "ship", "frog", "meaning"]
    assert [row[:3] for row in rows] == [
        ["d_accuracy", "0.71", "0.60"],
        ["address_perplexity", "0.92", "–"],
    ]
    assert "| d_accuracy | 0.71 | 0.60 | " in report_markdown(_with_health(report), {})
    assert "Memory and game" not in report_markdown(report, {})


def test_what_the_doctor_says_stands_in_the_report_and_by_the_winner(report: Report) -> None:
    asleep = {"name": "the memory is asleep", "found": "an even address", "advice": "sharpness"}
    ill = _with_health(report, ship=[asleep])

    (line,) = verdict_lines(ill)
    assert line == "the memory is asleep in class ship: an even address; try sharpness"
    assert f"- Doctor: {line}" in report_markdown(ill, {})
    assert verdicts_by_trial(ill) == {"0000": "the memory is asleep"}
    assert verdict_lines(report) == []
    assert verdicts_by_trial(report) == {}


def test_what_was_lent_of_the_test_part_stands_in_the_report(report: Report) -> None:
    line = "test images were lent to validation"

    assert f"- {line}" in report_markdown(report.model_copy(update={"lent": line}), {})
    assert line not in report_markdown(report, {})
    content = report.document()
    content["mean"] |= {"pixel_auroc": 0.981, "aupro": 0.912}
    content["classes"]["ship"] |= {"pixel_auroc": 0.981, "aupro": 0.912}
    by_pixel = Report.model_validate({**content, "lent": line})
    assert f"- {line}" in report_markdown(by_pixel, {})  # With figures by pixel, too.
