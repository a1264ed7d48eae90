"""The measured hulls as rows of text: means over seeds, by configuration and class."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from memgan.named import digest, named_configuration
from memgan.reproduce.hull import HullCell
from memgan.reproduce.layout import Layout
from memgan.reproduce.render import MISSING

HEADER = [
    *("configuration", "n", "d", "normal class", "seeds", "unit spread"),
    *("train", "test, normal", "test, other", "inside: train", "normal", "other", "AUROC %"),
]


def hull_rows(layout: Layout, cells: Sequence[HullCell]) -> list[list[str]]:
    """A row a configuration and class of `layout`. Distances are means over images and seeds."""
    body = []
    for column in layout.columns:
        configuration = named_configuration(layout.family, column.configuration)
        for klass in layout.classes or ():
            now = digest(configuration, klass)
            found = [
                cell
                for cell in cells
                if cell.key
                in {(column.configuration, layout.dataset, klass, s) for s in column.seeds}
                and cell.versions.get("configuration") == now
            ]
            parameters = configuration.parameters.model_dump()
            body.append(
                [
                    column.title,
                    str(parameters["memory_units"]),
                    str(parameters["memory_dim"]),
                    klass,
                    *_figures(found),
                ]
            )
    return body


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
