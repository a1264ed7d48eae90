"""docs/results.md, made only from the records, so that it says what was run and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from memgan.paper.cells.hull_cells import HullCell
from memgan.paper.cells.layout import Layout, figure_layout, make_layout
from memgan.paper.cells.result_cells import read_cells, read_recorded
from memgan.paper.cells.tables import Table, fill
from memgan.paper.page.beside import beside
from memgan.paper.page.differences import with_differences
from memgan.paper.page.hull_table import hull_findings
from memgan.paper.page.label_free import label_free_section, read_comparisons
from memgan.paper.page.records_page import records_page
from memgan.paper.page.render import markdown, rows
from memgan.paper.page.searches import searches_page
from memgan.paper.page.summary import summary

_OF_PARTS = ("ablations", "departures", "departures-cifar10")
"""Tables whose other columns are compared with the first one."""
_OUTSIDE = "features"
_ELSEWHERE = "ablations-recipe"
"""Beside the records; here it is in the summary alone."""
_INTRODUCTION = """\
# Results

This page is written by `memgan reproduce page` from the records in `benchmarks/results/`.

Figures are AUROC in percent on the official test images, as mean ± standard deviation over seeds.
A mean over classes is taken for each seed first, then over seeds. The ± of a difference is half of
its 95 % interval. A detector that draws no random numbers has one seed. "Missing" was not trained.

[The records](DIR/README.md) say what was run, what each column is, and how intervals were made.
[The searches](DIR/searches/README.md) say what chose the values. Settings of the paper's columns
were mostly chosen without a validation set ([splits](explanation/science.md#splits)).
""".replace("DIR", "../benchmarks/results")
_TABLES = {
    "table1": "## Table 1: MNIST",
    "table2": "## Table 2: CIFAR-10",
    "features": "## CIFAR-10 with ImageNet features",
    "table3": "## Table 3: the number of memory units",
    "ablations": "## What each part buys",
    "departures": "## What each departure buys",
    "departures-cifar10": "### On CIFAR-10",
}
_NOTES = {
    "table1": (
        "`memgan` sees each image brought to its own mean and spread"
        " ([science.md](explanation/science.md#contrast)). `memgan-grey` is the best"
        " configuration that was found without this."
        " Memory, losses and score of both have the paper's form. Networks, weights of the losses"
        " and the falling learning rate are our choice"
        " ([science.md](explanation/science.md#what-the-paper-leaves-open))."
    ),
    "table2": (
        "The images are `cifar10-jpeg`, CIFAR-10 with every image encoded once as JPEG (quality"
        " 75). They are close to CIFAR-10, but not the same images."
    ),
    "features": (
        "These detectors see `cifar10-jpeg` through EfficientNet-Lite0, which was trained on the"
        " labelled photographs of ImageNet: outside data, which no detector above has. Among its"
        " classes are most of those of CIFAR-10, so these figures are not to be compared with those"
        " above ([how](how-to/features.md))."
    ),
    "table3": (
        "`memgan` on MNIST with other numbers of memory units. The paper finds that n hardly"
        " matters."
    ),
    "ablations": (
        "These figures are for MNIST. A loss is left out by giving it weight 0. In `memgan`, the"
        " projection loss has a weight of about 1/30 and the other losses 1, as an earlier study"
        " (mnist-memgan) chose. In `memgan-recipe` every loss has weight 1; the same table of it is"
        " [beside the records]"
        "(../benchmarks/results/README.md#what-each-part-of-memgan-recipe-buys)."
    ),
    "departures": (
        "`memgan-plus` adds one thing to MEMGAN: a small network (the head) that learns to name"
        " which transformation was applied to a normal image. The head's surprise and the residual"
        " make one score ([science.md](explanation/science.md#memgan-plus)). The table shows each"
        " part by itself, trained with the same values, on MNIST. Its last column has the head with"
        " four quarter turns in place of the affine maps; they fail on a digit that looks the same"
        " when turned."
    ),
}
_HULL = """\
## The hull, measured

The paper argues that codes of normal images lie in the convex hull of the memory units, and codes
of other images outside. Distances from codes E(x) to the hull were measured exactly to a millionth
([hull.py](../memgan/analysis/hull.py)). "Inside" means no distance. If n is not greater than d the
hull has no inside. [The records](../benchmarks/results/README.md#the-hull-by-class) have the
distances by class.
"""
_FIGURES = {
    "fig1": "Decoded memory units, G(M). Each row is a digit.",
    "fig2": (
        "Memory units that learn the points of a square settle at its corners (Eq. 9, with a"
        " distance in place of its indicator)."
    ),
    "fig3": (
        "Codes of test images and memory units. t-SNE, as in the paper, bends distances and hulls."
        " In the linear projection, the outline is the hull of the units: a code outside the"
        " outline is outside the true hull."
    ),
    "fig4": "The same as the figure above, without the projection loss.",
}


_BEGINNING = "# Results\n\nThis page is written by `memgan reproduce page`"


def write_page(records: Path, out: Path) -> None:
    """Write the page, its figures into figures/ beside it, and the pages beside the records."""
    from memgan.figures import save_figure
    from memgan.files import begins_with, check_output, is_our_picture
    from memgan.paper.drawing.figures import draw, draw_square

    check_output(out, begins_with(_BEGINNING))
    beside_records = _beside_records(records)
    for path, text in beside_records.items():
        check_output(path, begins_with(text.splitlines()[0]))
    if not out.exists():
        for name in _drawable(records):
            check_output(out.parent / "figures" / f"{name}.png", is_our_picture)
    for name in _drawable(records):
        drawn = draw_square() if name == "fig2" else draw(figure_layout(name), records / "memories")
        save_figure(drawn.figure, out.parent / "figures" / f"{name}.png")
    out.write_text(page(records), encoding="utf-8")
    for path, text in beside_records.items():
        path.write_text(text, encoding="utf-8")


def _beside_records(records: Path) -> dict[Path, str]:
    """The text of each page that lies beside records; none where there are no records."""
    pages = {records: records_page, records / "searches": searches_page}
    return {folder / "README.md": text(folder) for folder, text in pages.items() if folder.is_dir()}


def page(records: Path) -> str:
    """The page's text. Equal records give equal text."""
    cells = read_cells(records / "cells")
    tables = {name: fill(make_layout(name), cells) for name in (*_TABLES, _ELSEWHERE)}
    hull_layout = make_layout("hull")
    hulls = read_recorded(records / "hull", HullCell)
    parts = [_INTRODUCTION, summary(tables, hull_layout, hulls)]
    for name, heading in _TABLES.items():
        table = tables[name]
        if name == _OUTSIDE and not table.cells:
            continue  # Not of the paper; it has its place once something was trained.
        parts += [heading, *([_NOTES[name]] if name in _NOTES else []), _table(table)]
    parts.append(_hull(hull_layout, hulls))
    if comparisons := read_comparisons(records):
        parts.append(label_free_section(comparisons))
    parts.append(_figures(records))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(table: Table) -> str:
    name = table.layout.name
    if name in _OF_PARTS:
        return with_differences(table)
    parts = [markdown(*rows(table))]
    if name != _OUTSIDE and (comparison := beside(table)):
        parts.append(comparison)
    return "\n\n".join(parts)


def _hull(layout: Layout, hulls: Sequence[HullCell]) -> str:
    findings = "\n".join(f"- {line}" for line in hull_findings(layout, hulls))
    return "\n".join([_HULL, findings])


def _figures(records: Path) -> str:
    drawable = _drawable(records)
    parts = ["## Figures"]
    for name, text in _FIGURES.items():
        picture = f"![{name}](figures/{name}.png)" if name in drawable else "Not trained yet."
        parts.append(f"`memgan reproduce {name}`. {text}\n{picture}")
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
