"""`memgan data list|check`: what there is, and what a source's split looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from memgan.config import DataConfig
    from memgan.data.images import Source, Split

app = typer.Typer(no_args_is_help=True, help="What data there is, and how it is cut.")

_DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where named data sets lie [MEMGAN_DATA]."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


@app.command("list")
def list_sources(data_dir: _DataDir = None, as_json: _Json = False) -> None:
    """The sources known by name, and whether their files are there.

    Example: memgan data list --data-dir ~/data
    """
    from memgan.data.sources import SOURCES, availability

    config = _config("digits", data_dir, [])
    rows = [
        {"name": name, "title": source.title, "state": availability(name, config)}
        for name, source in SOURCES.items()
    ]
    if as_json:
        typer.echo(json.dumps({"sources": rows, "paths": ["folder", ".npz"]}, ensure_ascii=False))
        return
    _print_table(["name", "what", "state"], [list(row.values()) for row in rows])
    typer.echo("A path works too: a folder DIR/<class>/*.png (or DIR/{train,test}/<class>/*.png),")
    typer.echo("or an .npz with x_train, y_train, x_test, y_test (or x, y).")


@app.command("check")
def check_source(
    source: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A named source or a path.")],
    data_dir: _DataDir = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named data set that is missing.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A data setting, such as image_size=32."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Load a source, split it, and show counts, shape, hash, and what it is good for.

    Example: memgan data check ./photos --set image_size=32 --set channels=1
    """
    from memgan.data.sources import load_source
    from memgan.data.split import make_split

    config = _config(source, data_dir, settings or [])
    loaded = load_source(config, download=download)
    split = make_split(loaded, config)
    report = _report(config, loaded, split)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _print_report(report)


def _config(source: str, data_dir: Path | None, settings: list[str]) -> DataConfig:
    from memgan.config import DataConfig, parse
    from memgan.settings import read_settings

    given = read_settings(settings)
    values: dict[str, Any] = {key.removeprefix("data."): value for key, value in given.items()}
    values["source"] = source
    if data_dir is not None:
        values["dir"] = data_dir
    return parse(DataConfig, values, "data")


def _report(config: DataConfig, source: Source, split: Split) -> dict[str, Any]:
    from memgan.data.fitness import why_no_validation, why_not_normal
    from memgan.data.split import shared_images

    parts = {
        "train": split.development.train,
        "validation": split.development.validation,
        "test": split.test,
    }
    counts = {part: images.counts() for part, images in parts.items()}
    classes: dict[str, dict[str, Any]] = {}
    for name in split.class_names:
        not_normal = why_not_normal(split, name)
        no_validation = None if not_normal else why_no_validation(split, name)
        classes[name] = {
            **{part: counts[part][name] for part in parts},
            "can_be_normal": not_normal is None,
            "can_validate": not_normal is None and no_validation is None,
            "why_not": not_normal or no_validation,
        }
    shared = shared_images(source.test, source.train) if source.test is not None else 0
    warnings = (
        [f"{shared} test images are also among the training images, pixel by pixel; left as given"]
        if shared
        else []
    )
    return {
        "source": split.source,
        "shape": list(split.test.image_shape),
        "official_test": source.test is not None,
        "split_seed": config.split_seed,
        "split_hash": split.hash,
        "counts": {part: len(images) for part, images in parts.items()},
        "classes": classes,
        "duplicates_train_test": shared,
        "warnings": warnings,
    }


def _print_report(report: dict[str, Any]) -> None:
    cut = "official" if report["official_test"] else f"cut by seed {report['split_seed']}"
    typer.echo(f"{report['source']}: images {'×'.join(map(str, report['shape']))} (C×H×W)")
    typer.echo(f"test part {cut}; validation cut by seed {report['split_seed']}")
    typer.echo(f"split hash {report['split_hash']}")
    parts = ("train", "validation", "test")
    rows = [
        [name, *(str(found[part]) for part in parts), _verdict(found)]
        for name, found in report["classes"].items()
    ]
    rows.append(["all", *(str(report["counts"][part]) for part in parts), ""])
    _print_table(["class", *parts, "as normal class"], rows, numbers=parts)
    for reason in (found["why_not"] for found in report["classes"].values()):
        if reason:
            typer.echo(f"note: {reason}")
    for warning in report["warnings"]:
        typer.echo(f"warning: {warning}")


def _verdict(found: dict[str, Any]) -> str:
    if not found["can_be_normal"]:
        return "no"
    return "yes" if found["can_validate"] else "yes, without labelled validation"


def _print_table(headers: list[str], rows: list[list[str]], numbers: tuple[str, ...] = ()) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for header in headers:
        table.add_column(header, justify="right" if header in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console().print(table)
