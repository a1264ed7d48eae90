"""The page beside the records: what was run, what each column is, and the figures in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from memgan.config import configuration_names, describe
from memgan.paper.cells.hull_cells import HullCell
from memgan.paper.cells.layout import make_layout
from memgan.paper.cells.result_cells import ResultCell, read_cells, read_recorded
from memgan.paper.cells.tables import Table, fill
from memgan.paper.page.differences import with_differences
from memgan.paper.page.hull_table import HEADER, hull_rows
from memgan.paper.page.label_free import label_free_commands, read_comparisons
from memgan.paper.page.render import markdown, published_rows

_RUN = (
    *("table1", "table2", "features", "table3", "ablations", "ablations-recipe"),
    *("departures", "departures-cifar10", "hull"),
)
_SEARCHED = ("memgan", "memgan-plus")
_IN_PARTS = {
    "mnist": ("alice", "memgan-recipe", "alice-recipe", "autoencoder-recipe"),
    "cifar10": tuple(f"features-{n}" for n in ("neighbours", "gaussian", "pca", "ocsvm")),
}
"""Configurations of the other tables, which Tables 1 and 2 do not have."""
_FAMILIES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
_INTRODUCTION = """\
# The records

Each configuration, normal class and seed that was trained has one small record in this folder.
`memgan reproduce TABLE --run --data-dir DIR` trains what a table lacks, and writes each record as
soon as it is there. `memgan reproduce page` writes this page and
[the page of results](../../docs/results.md) from the records.

An interval against the paper contains the spread of both sides (Welch's). The paper says that its
figures are of ten runs. We assume that its ± is their standard deviation, that runs of different
classes are independent, and that a printed 0.0 is no spread. With three seeds of ours, such an
interval contains the true difference in 93 to 95 of 100 cases (simulated, normal figures). It can
be narrower than an interval of our seeds only, because it has more degrees of freedom. The paper's
means are recomputed from its classes.
"""
_HULL = """\
## The hull, by class

Distances are from codes E(x) to the convex hull of the memory units. "Unit spread" is the units'
mean distance from their centroid. "Inside" is the share of codes with no distance. The last column
takes the distance as an anomaly score.
"""
_PARTS_OF_RECIPE = """\
## What each part of memgan-recipe buys

These figures are for MNIST. In `memgan-recipe` every loss has weight 1, and contrast is not
normalised.
"""


def records_page(records: Path) -> str:
    """The page's text, with links from the folder benchmarks/results. Equal records give equal
    text. ResultsError for a record that cannot be read."""
    cells = read_cells(records / "cells")
    tables = {name: fill(make_layout(name), cells) for name in _RUN}
    hulls = read_recorded(records / "hull", HullCell)
    parts = [_INTRODUCTION, _state(tables.values(), cells), _configurations()]
    parts += ["## As published"]
    for name in ("table1", "table2"):
        title = f"{_FAMILIES[tables[name].layout.family]}:"
        parts += [title, markdown(*published_rows(tables[name]))]
    parts.append("\n".join([_HULL, markdown(HEADER, hull_rows(make_layout("hull"), hulls))]))
    parts += [_PARTS_OF_RECIPE, with_differences(tables["ablations-recipe"])]
    if comparisons := read_comparisons(records):
        parts.append(label_free_commands(comparisons))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _state(tables: Iterable[Table], cells: Sequence[ResultCell]) -> str:
    lines = ["## What was run", ""]
    body = []
    for table in tables:
        wanted = sum(len(c.seeds) for c in table.layout.columns) * len(table.classes)
        minutes = sum(cell.seconds for cell in table.cells) / 60
        body.append(
            [
                f"`memgan reproduce {table.layout.name} --run`",
                f"{len(table.cells)} of {wanted}",
                f"{minutes:.0f} min",
            ]
        )
    lines.append(markdown(["command", "cells run", "time, one thread"], body))
    lines += ["", "Tables share cells. Times are of training and scoring, without measuring hulls."]
    machines = sorted({cell.machine for cell in cells})
    torches = sorted({cell.versions.get("torch", "?") for cell in cells})
    lines += [
        "",
        f"Machine: {'; '.join(machines)}, shared with other work. torch {', '.join(torches)}.",
    ]
    return "\n".join(lines)


def _configurations() -> str:
    parts = ["## The columns"]
    for family, table in (("mnist", "table1"), ("cifar10", "table2")):
        known = configuration_names(family)
        columns = [column.configuration for column in make_layout(table).columns]
        named = [name for name in (*columns, *_IN_PARTS[family]) if name in known]
        body = [
            [f"[{name}](../../configs/{family}/{name}.yaml)", describe(family, name)]
            for name in named
        ]
        heading = ["configuration", f"what it is on {_FAMILIES[family]}"]
        parts.append(markdown(heading, body).replace("---:", "---"))
        to_come = [name for name in _SEARCHED if name not in known]
        if to_come:
            parts.append(f"Still to come, from searches on validation data: {', '.join(to_come)}.")
    return "\n\n".join(parts)
