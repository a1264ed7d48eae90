"""docs/results.md says what the records say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from trained import trained

from memgan.config.named_configurations import digest, named_configuration
from memgan.paper.cells.layout import make_layout
from memgan.paper.cells.result_cells import add_recorded
from memgan.paper.page.page import page, write_page
from memgan.paper.page.records_page import records_page
from memgan.paper.page.searches import searches_page

ROOT = Path(__file__).parents[4]
RECORDS = ROOT / "benchmarks" / "results"


@pytest.fixture(scope="module")
def of_today() -> str:
    """The page that the records give."""
    return page(RECORDS)


def test_the_page_has_not_drifted_from_the_records(of_today: str) -> None:
    committed = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")

    assert committed == of_today, "write it again: memgan reproduce page"


def test_the_pages_beside_the_records_have_not_drifted_from_them() -> None:
    assert (RECORDS / "README.md").read_text(encoding="utf-8") == records_page(RECORDS)
    searches = RECORDS / "searches"
    assert (searches / "README.md").read_text(encoding="utf-8") == searches_page(searches)


def test_the_page_is_short_and_begins_with_tables_and_findings(of_today: str) -> None:
    lines = of_today.splitlines()

    assert len(lines) < 250
    headings = [line for line in lines if line.startswith("## ")]
    assert headings[:3] == ["## In short", "## Table 1: MNIST", "## Table 2: CIFAR-10"]


def test_every_picture_of_the_page_is_there() -> None:
    committed = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")

    for target in re.findall(r"!\[.*?\]\((.*?)\)", committed):
        assert (ROOT / "docs" / target).is_file(), target


@pytest.mark.usefixtures("short_square")
def test_without_records_nothing_is_claimed(tmp_path: Path) -> None:
    write_page(tmp_path / "records", tmp_path / "page.md")

    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    wanted = 10 * sum(len(column.seeds) for column in make_layout("table1").columns)
    assert f"| `memgan reproduce table1 --run` | 0 of {wanted} |" in records_page(
        tmp_path / "records"
    )
    assert "| less " not in text
    assert " less the paper" not in text
    assert text.count("Not trained yet.") == 3
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["fig2.png"]


def test_features_of_outside_data_are_on_the_page_once_they_were_trained(tmp_path: Path) -> None:
    assert "ImageNet" not in page(tmp_path)
    name = "features-gaussian"
    made_with = digest(named_configuration("cifar10", name), "cat")
    cell = trained("pca", "cat", 0.8, dataset="cifar10-jpeg").model_copy(
        update={"configuration": name, "versions": {"configuration": made_with}}
    )
    add_recorded(tmp_path / "cells", cell)
    _, _, section = page(tmp_path).partition("## CIFAR-10 with ImageNet features")
    assert "| cat | missing | 80.0 | missing | missing |" in section
