"""The measured hulls as rows of text: means over seeds, by configuration and class."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from memgan.config import digest, named_configuration
from memgan.paper.cells.hull_cells import HullCell
from memgan.paper.cells.layout import Column, Layout
from memgan.paper.page.render import MISSING

HEADER = [
    *("configuration", "n", "d", "normal class", "seeds", "unit spread"),
    *("train", "test, normal", "test, other", "inside: train", "normal", "other", "AUROC %"),
]


def hull_rows(layout: Layout, cells: Sequence[HullCell]) -> list[list[str]]:
    """A row a configuration and class of `layout`. Distances are means over images and seeds."""
    body = []
    for column in layout.columns:
        parameters = named_configuration(
            layout.family, column.configuration
        ).parameters.model_dump()
        for klass in layout.classes or ():
            body.append(
                [
                    column.title,
                    str(parameters["memory_units"]),
                    str(parameters["memory_dim"]),
                    klass,
                    *_figures(hulls_of(layout, column, klass, cells)),
                ]
            )
    return body


def hulls_of(
    layout: Layout, column: Column, normal_class: str, cells: Sequence[HullCell]
) -> list[HullCell]:
    """The measured hulls of one configuration as it is today, on one class, one a seed."""
    now = digest(named_configuration(layout.family, column.configuration), normal_class)
    keys = {(column.configuration, layout.dataset, normal_class, s) for s in column.seeds}
    return [c for c in cells if c.key in keys and c.versions.get("configuration") == now]


@dataclass(frozen=True)
class HullMeans:
    """Over classes and seeds, 0 to 1."""

    normal_inside: float
    """The share of the normal test codes."""
    others_inside: float
    auroc: float
    """The AUROC of the distance as a score."""

    @classmethod
    def of(cls, cells: Sequence[HullCell]) -> HullMeans:
        """The means of one cell or more."""
        return cls(
            statistics.fmean(h.test_normal.inside for h in cells),
            statistics.fmean(h.test_anomalous.inside for h in cells),
            statistics.fmean(h.auroc for h in cells),
        )


def hull_findings(layout: Layout, cells: Sequence[HullCell]) -> list[str]:
    """What the measured hulls say of the paper's two claims, a line for each configuration."""
    lines = []
    for column in layout.columns:
        found = [h for k in layout.classes or () for h in hulls_of(layout, column, k, cells)]
        if not found:
            continue
        means = HullMeans.of(found)
        lines.append(
            f"{column.title}: {100 * means.normal_inside:.1f} % of the normal test codes are"
            f" inside, and {100 * means.others_inside:.1f} % of those of other classes; the"
            f" distance distinguishes the two with an AUROC of {100 * means.auroc:.1f}"
        )
    return lines


def hull_document(layout: Layout, cells: Sequence[HullCell]) -> dict[str, Any]:
    """The records themselves, of this layout's configurations and classes."""
    names = {column.configuration for column in layout.columns}
    mine = [c for c in cells if c.configuration in names and c.dataset == layout.dataset]
    return {
        "table": layout.name,
        "hulls": [c.model_dump() for c in mine if c.normal_class in (layout.classes or ())],
    }


def _figures(cells: Sequence[HullCell]) -> list[str]:
    if not cells:
        return ["0", *[MISSING] * 8]

    def mean(of: Callable[[HullCell], float], digits: int = 2, factor: float = 1) -> str:
        return f"{factor * statistics.fmean(map(of, cells)):.{digits}f}"

    return [
        str(len(cells)),
        mean(lambda c: c.extent, 1),
        mean(lambda c: c.train.mean, 3),
        mean(lambda c: c.test_normal.mean, 3),
        mean(lambda c: c.test_anomalous.mean, 3),
        mean(lambda c: c.train.inside, 0, 100) + " %",
        mean(lambda c: c.test_normal.inside, 0, 100) + " %",
        mean(lambda c: c.test_anomalous.inside, 0, 100) + " %",
        mean(lambda c: c.auroc, 1, 100),
    ]
