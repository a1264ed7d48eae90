"""A report is one frozen value, and its file stays as it was."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from search.report.report import Report

ROOT = Path(__file__).resolve().parents[3]
FIGURES = {"val_auroc": 0.97, "test_auroc_mean": 0.95, "test_auroc_sd": None}
OF_CLASS = {**FIGURES, "seeds": [0, 1]}
OLD: dict[str, Any] = {
    "study": "digits",
    "dataset": "digits",
    "detector": "memgan",
    "protocol": "shared",
    "objective": "val-auroc",
    "classes": {"3": {"trial": "0004", "run_id": None, **OF_CLASS}},
    "mean": FIGURES,
    "anchors": {
        "pca": {
            "parameters": {"components": 10},
            "classes": {"3": {**OF_CLASS, "test_auroc": {"0": 0.9, "1": None}, "seconds": 0.5}},
            "mean": FIGURES,
        }
    },
    "values": {"0004": {"memory_units": 25, "learning_rate": 0.001, "game": "saturating"}},
    "split_hash": "a1b2",
    "machine": "two cores",
    "versions": {"torch": "2"},
}
NEW = {
    **OLD,
    "objective": "label-free",
    "classes": {"3": {**OLD["classes"]["3"], "made_auroc": {"scar": 0.9}}},
    "shortages": ["too few held-out normals"],
    "made_anomalies": 2,
    "cautions": [{"group": "all", "kind": "tie", "line": "a tie", "trials": ["0001"]}],
}


@pytest.mark.parametrize("content", [OLD, NEW, {**NEW, "of_a_later_version": 1}])
def test_what_is_read_from_a_file_is_written_unchanged(content: dict[str, Any]) -> None:
    assert Report.model_validate(content).document() == content


def test_a_report_of_an_earlier_version_has_no_remarks() -> None:
    report = Report.model_validate(OLD)

    assert (report.shortages, report.cautions, report.made_anomalies) == ((), (), None)
    assert report.classes["3"].made_auroc == {}


def test_a_report_cannot_be_changed() -> None:
    report = Report.model_validate(OLD)

    with pytest.raises(ValidationError, match="frozen"):
        report.study = "another"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        report.mean.val_auroc = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("lost", ["classes", "mean", "split_hash", "objective"])
def test_half_a_report_is_refused(lost: str) -> None:
    with pytest.raises(ValidationError, match=lost):
        Report.model_validate({key: value for key, value in OLD.items() if key != lost})


def test_versions_of_made_anomalies_are_different_objectives() -> None:
    assert Report.model_validate(OLD).judged_by == "val-auroc"
    assert Report.model_validate(NEW).judged_by == "label-free, made anomalies 2"
    assert (
        Report.model_validate({**NEW, "made_anomalies": 1}).judged_by
        != "label-free, made anomalies 2"
    )


def test_nobody_reads_a_report_by_string() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("search", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript)
        and (ast.unparse(node.value) == "report" or ast.unparse(node.value).endswith(".report"))
        and isinstance(node.slice, ast.Constant)
        and path.parts[-2:] != ("results", "export_place.py")  # A file that may be anybody's.
    ]
    assert found == []


def test_the_made_report_says_the_same_as_its_file(
    make_study: Callable[..., Any], make_report: Callable[..., Report]
) -> None:
    report = make_report(make_study(), ("0", "1"))

    assert Report.model_validate(report.document()) == report
