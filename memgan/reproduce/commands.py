"""`memgan reproduce`: the paper's tables from recorded cells, and the cells that are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from memgan.reproduce.tables import Table


def reproduce(
    what: Annotated[str, typer.Argument(metavar="table1|table2|table3|ablations")],
    run: Annotated[bool, typer.Option("--run", help="Train the cells that are missing.")] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds, of what draws random numbers.")
    ] = None,
    configuration: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[+KEY=VALUE]", help="This column alone; may be repeated."),
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
    jobs: Annotated[int | None, typer.Option(min=1, help="Trainings at once.")] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where cells/ and the like lie (benchmarks/results)."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead.")
    ] = False,
) -> None:
    """Show a table of the paper beside ours, from recorded cells; nothing is filled in.

    Example: memgan reproduce table1 --run --configuration pca --data-dir ~/data
    """
    from memgan.configuration import class_names
    from memgan.reproduce.layout import make_layout
    from memgan.reproduce.render import document
    from memgan.reproduce.tables import fill
    from memgan.result_cells import read_cells

    records = records or records_folder()
    layout = make_layout(
        what,
        source=data,
        classes=class_names(normal_class) if normal_class not in (None, "all") else None,
        configurations=configuration or (),
        seeds=seeds,
    )
    if run:
        from memgan.reproduce.train import train_missing

        layout = train_missing(
            layout,
            records,
            data_dir=data_dir,
            download=download,
            device=device,
            jobs=jobs,
            note=lambda line: typer.echo(line, err=True),
        )
    table = fill(layout, read_cells(records / "cells"))
    if as_json:
        typer.echo(json.dumps(document(table), ensure_ascii=False))
    else:
        _print(table)


def records_folder() -> Path:
    """benchmarks/results of this checkout, else below the working folder."""
    inside = Path("benchmarks", "results")
    checkout = Path(__file__).parents[2] / inside
    return checkout if checkout.is_dir() else inside


def _print(table: Table) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    from memgan.reproduce.render import published_rows, remarks, rows

    layout = table.layout
    parts = [(f"{layout.title}, {layout.dataset}", rows(table))]
    if "MEMGAN" in layout.published:
        parts.append(("as published", published_rows(table)))
    for title, (header, body) in parts:
        grid = Grid(title=title)
        for name in header:
            grid.add_column(name, justify="left" if name == header[0] else "right")
        for row in body:
            if row[0].startswith("mean"):
                grid.add_section()
            grid.add_row(*row)
        Console().print(grid)
    for line in remarks(table):
        typer.echo(line)
