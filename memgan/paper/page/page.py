"""docs/results.md, made from the records alone, so that it says what was run and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from memgan.config import configuration_names, describe
from memgan.paper.cells.hull_cells import HullCell
from memgan.paper.cells.layout import Layout, figure_layout, make_layout
from memgan.paper.cells.result_cells import ResultCell, read_cells, read_recorded
from memgan.paper.cells.tables import Table, fill
from memgan.paper.page.beside import beside
from memgan.paper.page.differences import differences
from memgan.paper.page.hull_table import HEADER, hull_findings, hull_rows
from memgan.paper.page.label_free import label_free_section, read_comparisons
from memgan.paper.page.render import markdown, published_rows, rows
from memgan.paper.page.searches import read_searches, searches_section
from memgan.paper.page.summary import summary

_OF_PARTS = ("ablations", "ablations-recipe", "departures", "departures-cifar10")
"""Tables whose columns are the first with something left out or exchanged."""
_SEARCHED = ("memgan", "memgan-plus")
_IN_PARTS = {
    "mnist": ("alice", "memgan-recipe", "alice-recipe", "autoencoder-recipe"),
    "cifar10": (),
}
"""Configurations of the tables of parts, which Tables 1 and 2 do not have."""
_FAMILIES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
_INTRODUCTION = """\
# Results

This page is written by `memgan reproduce page` from the files in `benchmarks/results/`, one small
record for each configuration, normal class and seed that was trained. What was not trained stands
as "missing". `memgan reproduce TABLE --run --data-dir DIR` trains what a table lacks, and writes
each record as soon as it is there.

Figures are AUROC in percent on the official test images, mean ± standard deviation over seeds; the
mean over classes comes first for each seed, then over seeds; where a difference is told, ± is half
of its 95 % interval. Detectors that draw no random numbers
have one seed. Splits, and what may see what, are in
[science.md](explanation/science.md#splits). The
columns of the paper were mostly made without a validation set: some of their settings were chosen
by class, or on test images. The paper's means are recomputed from its classes.

An interval against the paper holds the spread of both sides (Welch's). The paper says that its
figures are of ten runs; it is assumed that its ± is their standard deviation, that runs of
different classes are independent, and that a printed 0.0 is none. With three seeds of ours such an
interval holds the true difference in 93 to 95 of 100 cases (simulated, normal figures); it can be
narrower than an interval of our seeds alone, as it has more degrees of freedom.
"""
_TABLES = {
    "table1": "## Table 1: MNIST",
    "table2": "## Table 2: CIFAR-10",
    "table3": "## Table 3: the number of memory units",
    "ablations": "## What each part buys",
    "ablations-recipe": "### Of memgan-recipe",
    "departures": "## What each departure buys",
    "departures-cifar10": "### On CIFAR-10",
}
_NOTES = {
    "table1": (
        "`memgan` sees each image brought to its own mean and spread"
        " ([science.md](explanation/science.md#contrast)); `memgan-grey` is the"
        " best that was found without."
        " Of both, memory, losses and score have the paper's form; networks, weights of the losses"
        " and the falling rate are our choice"
        " ([science.md](explanation/science.md#what-the-paper-leaves-open))."
    ),
    "table2": (
        "The images are `cifar10-jpeg`, CIFAR-10 with every image encoded once as JPEG (quality"
        " 75): near to CIFAR-10, and not the same."
    ),
    "table3": "memgan on MNIST with other numbers of units; the paper finds that n hardly matters.",
    "ablations": (
        "On MNIST. A loss is left out by giving it weight 0. In memgan the projection loss has a"
        " thirtieth of its weight, as an earlier study (mnist-memgan) chose."
    ),
    "ablations-recipe": "The same where every loss has weight 1 and contrast is not normalised.",
    "departures": (
        "memgan-plus adds one thing to MEMGAN: a small network that has learned to name which"
        " transformation was applied to a normal image, whose surprise joins the residual in one"
        " score ([science.md](explanation/science.md#memgan-plus)). Below is each part"
        " alone, trained with the"
        " same values, on MNIST; and the head with the four quarter turns in place of the affine"
        " maps, which a digit that looks the same when turned defeats."
    ),
}
_DIFFERENCES = (
    "Against {first}, seed by seed, the mean over classes with its 95 % interval, and by class:"
)
_HULL = """\
## The hull, measured

The paper argues that codes of normal images lie in the convex hull of the memory units, and codes
of other images outside. Below are distances from codes E(x) to the hull of the units, exact to a
millionth ([hull.py](../memgan/analysis/hull.py)), beside the units' mean distance from their
centroid ("unit spread"). "Inside" is the share of codes with no distance. With n no greater than d
the hull has no inside, so only d below n can bear the claim out. The last column takes the
distance as an anomaly score.
"""
_FIGURES = {
    "fig1": "Decoded memory units, G(M): a row a digit.",
    "fig2": (
        "Memory units that learn the points of a square settle at its corners (Eq. 9, with a"
        " distance in place of its indicator)."
    ),
    "fig3": (
        "Codes of test images and memory units. t-SNE, as in the paper, bends distances and hulls."
        " In the linear projection the outline is the hull of the units: a code outside of it is"
        " outside of the true hull."
    ),
    "fig4": "The same without the projection loss.",
}


_BEGINNING = "# Results\n\nThis page is written by `memgan reproduce page`"


def write_page(records: Path, out: Path) -> None:
    """Write the page, and its figures into figures/ beside it."""
    from memgan.figures import save_figure
    from memgan.files import begins_with, check_output, is_our_picture
    from memgan.paper.drawing.figures import draw, draw_square

    check_output(out, begins_with(_BEGINNING))
    if not out.exists():
        for name in _drawable(records):
            check_output(out.parent / "figures" / f"{name}.png", is_our_picture)
    for name in _drawable(records):
        drawn = draw_square() if name == "fig2" else draw(figure_layout(name), records / "memories")
        save_figure(drawn.figure, out.parent / "figures" / f"{name}.png")
    out.write_text(page(records), encoding="utf-8")


def page(records: Path) -> str:
    """The page's text. Equal records give equal text."""
    cells = read_cells(records / "cells")
    tables = {name: fill(make_layout(name), cells) for name in _TABLES}
    hull_layout = make_layout("hull")
    hulls = read_recorded(records / "hull", HullCell)
    all_tables = [*tables.values(), fill(hull_layout, cells)]
    parts = [_INTRODUCTION, summary(tables, hull_layout, hulls)]
    parts += [_state(all_tables, cells), _configurations()]
    if searches := read_searches(records / "searches"):
        parts.append(searches_section(searches))
    if comparisons := read_comparisons(records):
        parts.append(label_free_section(comparisons))
    for name, table in tables.items():
        parts += [_TABLES[name], *([_NOTES[name]] if name in _NOTES else []), _table(table)]
    parts.append(_hull(hull_layout, hulls))
    parts.append(_figures(records))
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
            [f"[{name}](../configs/{family}/{name}.yaml)", describe(family, name)] for name in named
        ]
        heading = ["configuration", f"what it is on {_FAMILIES[family]}"]
        parts.append(markdown(heading, body).replace("---:", "---"))
        to_come = [name for name in _SEARCHED if name not in known]
        if to_come:
            parts.append(f"Still to come, from searches on validation data: {', '.join(to_come)}.")
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    parts = [markdown(*rows(table))]
    if table.layout.name in _OF_PARTS:
        if lines := differences(table):
            first = table.layout.columns[0].title
            parts.append(_DIFFERENCES.format(first=first))
            parts.append("\n".join(f"- {line}" for line in lines))
    elif comparison := beside(table):
        parts.append(comparison)
    if "MEMGAN" in table.layout.published:
        parts += ["As published:", markdown(*published_rows(table))]
    return "\n\n".join(parts)


def _hull(layout: Layout, hulls: Sequence[HullCell]) -> str:
    findings = "\n".join(f"- {line}" for line in hull_findings(layout, hulls))
    return "\n".join([_HULL, markdown(HEADER, hull_rows(layout, hulls)), "", findings])


def _figures(records: Path) -> str:
    drawable = _drawable(records)
    parts = ["## Figures"]
    for name, text in _FIGURES.items():
        parts.append(f"`memgan reproduce {name}`. {text}")
        parts.append(f"![{name}](figures/{name}.png)" if name in drawable else "Not trained yet.")
    return "\n\n".join(parts)


def _drawable(records: Path) -> list[str]:
    return [
        name
        for name in _FIGURES
        if name == "fig2" or _has_memory(figure_layout(name), records / "memories")
    ]


def _has_memory(layout: Layout, memories: Path) -> bool:
    from memgan.paper.drawing.figures import find_memory, shown_classes

    return any(find_memory(layout, memories, name) for name in shown_classes(layout))
