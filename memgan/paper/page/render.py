"""A table as rows of text, for the terminal, for Markdown and as plain values."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from memgan.paper.cells.tables import Table
from memgan.paper.published.tables import PublishedFigure
from memgan.stats import OverSeeds
from memgan.text import mean_and_sd

MISSING = "missing"


def rows(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and rows, in percent: our columns, then the paper's MEMGAN, or all of its columns in
    a table of variations. The last row is the mean over classes; the paper's is recomputed."""
    layout = table.layout
    beside = _beside(table)
    header = ["normal class", *(column.title for column in layout.columns)]
    header += [f"paper: {title}" for title in beside]
    body = []
    for klass in table.classes:
        row = [klass]
        for column in layout.columns:
            found = table.figures[column.configuration].get(klass)
            row.append(shown(found, len(column.seeds)))
        row += [_printed(by_class.get(klass)) for by_class in beside.values()]
        body.append(row)
    row = ["mean"]
    for column in layout.columns:
        row.append(shown(table.means.get(column.configuration), len(column.seeds)))
    row += [_recomputed(table, by_class) for by_class in beside.values()]
    return header, [*body, row]


def published_rows(table: Table) -> tuple[list[str], list[list[str]]]:
    """All of the paper's columns, with its means as recomputed from the classes and as printed."""
    published = table.layout.published
    body = [
        [klass, *(_printed(c.get(klass), sd=False) for c in published.values())]
        for klass in table.classes
    ]
    body.append(["mean, recomputed", *(_recomputed(table, c) for c in published.values())])
    if printed := table.layout.printed_means:
        body.append(["mean, as printed", *(f"{100 * printed[name]:.1f}" for name in published)])
    return ["normal class", *published], body


def document(table: Table) -> dict[str, Any]:
    """The table as plain values, AUROC 0 to 1; null where no cell was run."""
    layout = table.layout
    return {
        "table": layout.name,
        "title": layout.title,
        "dataset": layout.dataset,
        "classes": list(table.classes),
        "columns": {
            column.configuration: {
                "title": column.title,
                "seeds": list(column.seeds),
                "classes": {
                    klass: _values(table.figures[column.configuration].get(klass))
                    for klass in table.classes
                },
                "mean": _values(table.means.get(column.configuration)),
            }
            for column in layout.columns
        },
        "published": {
            title: {
                "classes": {k: {"mean": f.mean, "sd": f.sd} for k, f in by_class.items()},
                "mean_recomputed": statistics.fmean(f.mean for f in by_class.values()),
                "mean_printed": layout.printed_means.get(title),
            }
            for title, by_class in layout.published.items()
        },
        "missing": [
            {"configuration": c, "normal_class": k, "seed": s} for c, k, s in table.missing
        ],
        "stale": table.stale,
    }


def remarks(table: Table) -> list[str]:
    """What a reader has to know beside the figures."""
    lines = []
    if table.missing:
        wanted = sum(len(c.seeds) for c in table.layout.columns) * len(table.classes)
        lines.append(f"{len(table.missing)} of {wanted} cells were not run; train them with --run")
    if table.stale:
        lines.append(f"{table.stale} cells are left out: their configuration was changed since")
    return lines


def markdown(header: list[str], body: list[list[str]]) -> str:
    """A Markdown table, figures to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)


def shown(figure: OverSeeds | None, wanted: int) -> str:
    """ "95.3 ± 0.4", with the number of seeds in brackets where some are missing."""
    if figure is None:
        return MISSING
    seeds = "" if figure.seeds == wanted else f" ({figure.seeds} of {wanted} seeds)"
    return f"{mean_and_sd(figure.mean, figure.sd)}{seeds}"


def _beside(table: Table) -> Mapping[str, Mapping[str, PublishedFigure]]:
    published = table.layout.published
    return {"MEMGAN": published["MEMGAN"]} if "MEMGAN" in published else published


def _printed(figure: PublishedFigure | None, *, sd: bool = True) -> str:
    if figure is None:
        return "–"
    return mean_and_sd(figure.mean, figure.sd if sd else None)


def _recomputed(table: Table, by_class: Mapping[str, PublishedFigure]) -> str:
    figures = [by_class[klass].mean for klass in table.classes if klass in by_class]
    return f"{100 * statistics.fmean(figures):.1f}" if len(figures) == len(table.classes) else "–"


def _values(figure: OverSeeds | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "mean": figure.mean,
        "sd": figure.sd,
        "half_width_95": figure.half_width,
        "seeds": figure.seeds,
    }
