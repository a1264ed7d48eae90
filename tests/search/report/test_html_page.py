"""The report page: whole, by itself, and safe with names from outside."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan.figures import image_grid, save_figure
from search.journal.by_group import outcomes_by_group
from search.report.html_page import report_page
from search.report.trial_table import trial_table
from search.study.groups import class_groups
from search.study.study import Study

Make = Callable[..., Any]
ODD = '<script>alert("1")</script>'
CLASSES = ("ship", ODD)


class Elements(HTMLParser):
    """All tags with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


@pytest.fixture(params=["shared", "per-class"])
def page(
    request: pytest.FixtureRequest, make_study: Make, fill: Make, make_report: Make, tmp_path: Path
) -> str:
    study: Study = make_study(request.param)
    journal = tmp_path / "journal"
    fill(journal, study, CLASSES)
    picture = tmp_path / "memory.png"
    save_figure(image_grid(np.zeros((4, 1, 8, 8), np.uint8), ""), picture)
    trials = outcomes_by_group(class_groups(study, CLASSES), journal)
    report = make_report(study, CLASSES)
    return report_page(study, report, trials, {picture: f"memory of {ODD}"})


def test_nothing_outside_is_asked_for(page: str) -> None:
    elements = Elements(page)

    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert not list(elements.of("link"))
    sources = [a[name] for _, a in elements.tags for name in ("src", "href", "action") if name in a]
    assert sources
    assert all(str(source).startswith("data:image/png;base64,") for source in sources)
    (policy,) = [a["content"] for a in elements.of("meta") if "http-equiv" in a]
    assert str(policy).startswith("default-src 'none'; img-src data:;")


def test_names_and_faults_from_outside_are_text(page: str) -> None:
    elements = Elements(page)

    assert len(list(elements.of("script"))) == 1
    assert not list(elements.of("b"))
    assert ODD in "".join(elements.text)
    assert any("loss of <b>3</b> is nan" in text for text in elements.text)


def test_the_one_script_is_the_one_that_is_allowed(page: str) -> None:
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_it_tells_what_was_run_and_what_came_of_it(page: str) -> None:
    text = "".join(Elements(page).text)

    for told in (
        "95.1 ± 0.3",
        "a1b2" * 16,
        "torch 2.15.0",
        "PCA",
        "by asha after 2 of 7",
        "winner",
    ):
        assert told in text
    assert re.search(r"12 trials( for each class)? of 7 epochs", text)


def test_published_columns_stand_where_there_are_some(
    make_study: Make, fill: Make, make_report: Make, tmp_path: Path
) -> None:
    study, classes = make_study(), tuple("0123456789")
    fill(tmp_path / "journal", study, classes)
    trials = outcomes_by_group(class_groups(study, classes), tmp_path / "journal")

    page = report_page(study, make_report(study, classes, "mnist"), trials, {})

    text = Elements(page).text
    assert "MEMGAN, published" in text
    assert text.index("MEMGAN, published") < text.index("OCSVM, published")
    assert "https://" not in page


@pytest.mark.parametrize("objective", ["val-auroc", "label-free"])
def test_anomalies_that_were_made_are_told_apart_from_labelled_ones(
    objective: str, make_study: Make, fill: Make, make_report: Make, tmp_path: Path
) -> None:
    study = make_study(objective=objective)
    fill(tmp_path / "journal", study, CLASSES)
    trials = outcomes_by_group(class_groups(study, CLASSES), tmp_path / "journal")

    text = "".join(Elements(report_page(study, make_report(study, CLASSES), trials, {})).text)

    made = objective == "label-free"
    assert ("Made anomalies is the figure of the winning trial" in text) == made
    assert ("Validation is the figure of the winning trial" in text) != made
    assert (text.count("on anomalies made from held-out normals") == 2) == made


def test_health_and_what_the_doctor_says_stand_on_the_page(
    make_study: Make, fill: Make, make_report: Make, tmp_path: Path
) -> None:
    study = make_study()
    fill(tmp_path / "journal", study, CLASSES)
    trials = outcomes_by_group(class_groups(study, CLASSES), tmp_path / "journal")
    report = make_report(study, CLASSES)
    content = report.document()
    row = content["classes"][CLASSES[0]]
    row["health"] = {"d_accuracy": 0.71}
    row["verdicts"] = [{"name": "the memory is asleep", "found": f"even {ODD}", "advice": "more"}]
    row["trial"] = next(row.trial.trial_id for row in trial_table(study, trials).rows if row.won)

    page = report_page(study, type(report).model_validate(content), trials, {})
    text = "".join(Elements(page).text)

    assert f"even {ODD}; try more." in text
    assert "doctor: the memory is asleep" in text  # By the winner's row.
    assert "0.5 is chance, 1 has won" in text
    assert "Memory and game" not in report_page(study, report, trials, {})


def test_how_sure_the_choice_is_stands_on_the_page(
    make_study: Make, fill: Make, make_report: Make, tmp_path: Path
) -> None:
    study = make_study()
    fill(tmp_path / "journal", study, CLASSES)
    trials = outcomes_by_group(class_groups(study, CLASSES), tmp_path / "journal")
    sure = make_report(study, CLASSES)
    behind = [{"group": "all", "line": f"behind {ODD}"}]
    unsure = make_report(study, CLASSES, cautions=behind)

    elements = Elements(report_page(study, unsure, trials, {}))

    assert f"Behind {ODD}." in elements.text
    assert "How sure the choice is" in elements.text
    assert "How sure the choice is" not in report_page(study, sure, trials, {})


def test_mistakes_are_shown_with_what_is_said_of_them_and_no_heading_without_any(
    make_study: Make, make_report: Make
) -> None:
    study = make_study("shared")
    report = make_report(study, CLASSES)
    entry = {"kind": "miss", "caption": f"miss: {ODD}", "source": "data:image/png;base64,AA=="}

    page = Elements(report_page(study, report, {}, {}, ([entry], ["only some"])))

    shown = next(page.of("img"))
    assert (shown["src"], shown["alt"]) == (entry["source"], entry["caption"])
    text = "".join(page.text)
    assert "to be looked at only; only some." in text
    assert "Mistakes" not in report_page(study, report, {}, {})
