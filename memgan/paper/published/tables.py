"""What the MEMGAN paper (arXiv 2002.02669) printed: Tables 1 to 3, AUROC by normal class.

Facts, typed by class as printed. Means are recomputed from the classes: the paper's own row of
means differs from them by up to 0.2 points. How those figures came about differs from method to
method and is in docs/explanation/science.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from memgan.errors import unknown_name

PUBLISHED = ("mnist", "cifar10")
"""The data sets that figures were printed for."""
RUNS = 10
"""How many runs the paper says that a figure is of; its ± is read as their standard deviation."""

_STANDS_BESIDE = {**dict(zip(PUBLISHED, PUBLISHED, strict=True)), "cifar10-jpeg": "cifar10"}


@dataclass(frozen=True)
class PublishedFigure:
    """AUROC of one method with one normal class, 0 to 1; sd over the paper's ten runs."""

    mean: float
    sd: float


def published_auroc(dataset: str) -> dict[str, dict[str, PublishedFigure]]:
    """Printed AUROC by method, then by normal class. UnknownName for another data set.

    Methods are in the order of the paper's columns, MEMGAN last; classes by the names that our
    sources have.
    """
    if dataset not in PUBLISHED:
        raise unknown_name("published table", dataset, PUBLISHED)
    found: dict[str, dict[str, PublishedFigure]] = {}
    for row in _rows("auroc.csv"):
        if row["dataset"] == dataset and row["normal_class"] != "average":
            figure = PublishedFigure(
                float(row["auroc_mean_pct"]) / 100, float(row["auroc_std_pct"]) / 100
            )
            found.setdefault(row["method"], {})[row["normal_class"]] = figure
    return found


def printed_means(dataset: str) -> dict[str, float]:
    """The paper's own row of means by method, 0 to 1. UnknownName for another data set."""
    if dataset not in PUBLISHED:
        raise unknown_name("published table", dataset, PUBLISHED)
    return {
        row["method"]: float(row["auroc_mean_pct"]) / 100
        for row in _rows("auroc.csv")
        if row["dataset"] == dataset and row["normal_class"] == "average"
    }


def published_memory_units() -> dict[int, dict[str, PublishedFigure]]:
    """Table 3: MEMGAN's AUROC on MNIST by number of memory units, then by normal class."""
    found: dict[int, dict[str, PublishedFigure]] = {}
    for row in _rows("memory_units.csv"):
        figure = PublishedFigure(
            float(row["auroc_mean_pct"]) / 100, float(row["auroc_std_pct"]) / 100
        )
        found.setdefault(int(row["units"]), {})[row["normal_class"]] = figure
    return found


def published_for(dataset: str) -> str | None:
    """The published table that a source's figures stand beside, or None; the JPEG copy of
    CIFAR-10 is near enough to stand beside `cifar10`, under its own name."""
    return _STANDS_BESIDE.get(dataset)


def _rows(name: str) -> list[Mapping[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
