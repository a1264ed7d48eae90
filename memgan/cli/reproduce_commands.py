"""`memgan reproduce`: the paper's tables and figures from what is recorded, or trained now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memgan.machine import with_own_version

if TYPE_CHECKING:
    from memgan.paper import Layout, Table


_PAGE = "page"


def reproduce(
    what: Annotated[
        str,
        typer.Argument(
            metavar="table1|table2|features|table3|ablations|ablations-recipe|departures|departures-cifar10|hull"
            "|fig1|fig2|fig3|fig4|page",
            help="A table or figure of the paper, or the page that has them all.",
        ),
    ],
    run: Annotated[bool, typer.Option("--run", help="Train the cells that are missing.")] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="The number of seeds, for what draws random numbers.")
    ] = None,
    configuration: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[+KEY=VALUE]", help="Only this column; may be repeated."),
    ] = None,
    normal_class: Annotated[
        str | None, typer.Option(metavar="all|C[,C…]", help="Normal classes.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Other images, such as cifar10.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where data sets lie [MEMGAN_DATA].")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch missing data.")] = False,
    device: Annotated[
        str | None, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="The most trainings at once, if memory allows.")
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where cells/ and the like lie (benchmarks/results)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where a figure (.png) or the page (.md) goes."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead.")
    ] = False,
) -> None:
    """Show a table of the paper beside ours, made from recorded cells, or a figure. Missing cells
    stay missing.

    Example: memgan reproduce table1 --run --configuration pca --data-dir ~/data
    """
    from memgan.config import class_names
    from memgan.errors import unknown_name
    from memgan.paper import FIGURES, TABLES, figure_layout, make_layout

    if what not in (*TABLES, *FIGURES, _PAGE):
        raise unknown_name("table or figure", what, [*TABLES, *FIGURES, _PAGE])
    records = records or records_folder()
    classes = class_names(normal_class) if normal_class not in (None, "all") else None
    chosen = configuration or []

    def train(layout: Layout) -> Layout:
        if not run:
            return layout
        from memgan.waiting import tell, waiting_for

        with waiting_for("loading memgan", logged=False):
            from memgan.paper import TrainingMeans, train_missing

        return train_missing(
            layout,
            records,
            TrainingMeans(data_dir=data_dir, download=download, device=device, jobs=jobs),
            for_figure=what in FIGURES,
            note=tell,
        )

    if what in TABLES:
        layout = make_layout(what, source=data, classes=classes, configurations=chosen, seeds=seeds)
        _show_table(train(layout), records, as_json)
    elif what == _PAGE:
        _write_page(records, out or Path("docs", "results.md"), as_json)
    elif what == "fig2":
        _show_figure(what, None, records, out, as_json)
    else:
        first = chosen[0] if chosen else None
        layout = figure_layout(what, source=data, classes=classes, configuration=first)
        _show_figure(what, train(layout), records, out, as_json)


def _write_page(records: Path, out: Path, as_json: bool) -> None:
    from memgan.errors import BadInput
    from memgan.paper import write_page

    try:
        write_page(records, out)
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error}); choose another with --out") from None
    typer.echo(json.dumps(with_own_version({"page": str(out)})) if as_json else f"page: {out}")


def _show_table(layout: Layout, records: Path, as_json: bool) -> None:
    if layout.name == "hull":
        _show_hull(layout, records, as_json)
        return
    from memgan.paper import document, fill, read_cells

    table = fill(layout, read_cells(records / "cells"))
    if as_json:
        typer.echo(json.dumps(with_own_version(document(table)), ensure_ascii=False))
    else:
        _print(table)


def _show_hull(layout: Layout, records: Path, as_json: bool) -> None:
    from memgan.paper import HEADER, HullCell, hull_document, hull_rows, read_recorded

    hulls = read_recorded(records / "hull", HullCell)
    if as_json:
        typer.echo(json.dumps(with_own_version(hull_document(layout, hulls)), ensure_ascii=False))
    else:
        _print_grid(f"{layout.title}, {layout.dataset}", HEADER, hull_rows(layout, hulls))


def _show_figure(
    name: str, layout: Layout | None, records: Path, out: Path | None, as_json: bool
) -> None:
    from memgan.errors import BadInput
    from memgan.figures import save_figure
    from memgan.files import check_output, is_our_picture
    from memgan.paper import draw, draw_square

    drawn = draw_square() if layout is None else draw(layout, records / "memories")
    path = check_output(out or Path("results", "reproduced", f"{name}.png"), is_our_picture)
    try:
        save_figure(drawn.figure, path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be written ({error}); choose another with --out") from None
    if as_json:
        document = {"figure": name, "file": str(path), "missing": list(drawn.missing)}
        typer.echo(json.dumps(with_own_version(document), ensure_ascii=False))
        return
    typer.echo(f"{name}: {path}")
    if drawn.missing:
        typer.echo(f"not trained: class {', '.join(drawn.missing)}; train them with --run")


def records_folder() -> Path:
    """benchmarks/results of this checkout, else below the working folder."""
    inside = Path("benchmarks", "results")
    checkout = Path(__file__).parents[2] / inside
    return checkout if checkout.is_dir() else inside


def _print(table: Table) -> None:
    from memgan.paper import published_rows, remarks, rows

    layout = table.layout
    parts = [(f"{layout.title}, {layout.dataset}", rows(table))]
    if "MEMGAN" in layout.published:
        parts.append(("as published", published_rows(table)))
    for title, (header, body) in parts:
        _print_grid(title, header, body)
    for line in remarks(table):
        typer.echo(line)


def _print_grid(title: str, header: list[str], body: list[list[str]]) -> None:
    from memgan.fitting_table import Column, FittingTable, show

    first, *others = header
    grid = FittingTable(first, *(Column(name, number=True) for name in others), title=title)
    for row in body:
        if row[0].startswith("mean"):
            grid.add_section()
        grid.add_row(*row)
    show(grid)
