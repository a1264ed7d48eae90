"""`memgan data list|check`: what there is, and what a source's split looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memgan.machine import with_own_version
from memgan.shell_words import shell_command

if TYPE_CHECKING:
    from memgan.config import DataConfig
    from memgan.data import NormalClass, Source, Split
    from memgan.proposals import Proposal

app = typer.Typer(no_args_is_help=True, help="What data there is, and how it is cut.")

_DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where named data sets lie [MEMGAN_DATA]."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


@app.command("list")
def list_sources(data_dir: _DataDir = None, as_json: _Json = False) -> None:
    """List the sources known by name, and say whether their files are there.

    Example: memgan data list --data-dir ~/data
    """
    from memgan.data import describe_sources

    config = _config("digits", data_dir, [])
    rows = [
        {"name": name, "title": title, "state": state}
        for name, (title, state) in describe_sources(config).items()
    ]
    if as_json:
        document = with_own_version({"sources": rows, "paths": ["folder", ".npz"]})
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    _print_table(["name", "what", "state"], [list(row.values()) for row in rows])
    typer.echo("A path works too: a folder DIR/<class>/*.png (or with parts,")
    typer.echo("DIR/{train,validation,test}/<class>/*.png), or an .npz with x_train, y_train,")
    typer.echo("x_test, y_test (or x, y).")


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
    normal_class: Annotated[
        str | None,
        typer.Option(metavar="all|C[,C…]", help="Normal classes, as a search will be given them."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Load a source, split it, and show counts, shape, hash, and what it is good for.

    Example: memgan data check ./photos --set image_size=32 --set channels=1
    """
    from memgan.config import class_names
    from memgan.data import check_normal_classes, load_source, make_split

    wanted = class_names(normal_class or "all")
    config, proposals = _as_searched(_config(source, data_dir, settings or []), wanted, download)
    loaded = load_source(config, download=download)
    split = make_split(loaded, config, wanted)
    if normal_class is not None:
        check_normal_classes(split, wanted)
    report = _report(config, loaded, split, wanted)
    report["proposal"] = [
        {"key": each.key, "value": each.value, "reason": each.reason} for each in proposals
    ]
    if as_json:
        typer.echo(json.dumps(with_own_version(report), ensure_ascii=False))
        return
    _print_report(report)
    if proposals:
        of_class = [] if normal_class is None else ["--normal-class", normal_class]
        stated = _options_of_search(data_dir, settings or [])
        command = shell_command("memgan", "search", "--data", source, *stated, *of_class)
        typer.echo(f"`{command}` without a study file begins with:")
    for each in proposals:
        typer.echo(f"  {each.line()}")


def _as_searched(
    config: DataConfig, wanted: NormalClass, download: bool
) -> tuple[DataConfig, tuple[Proposal, ...]]:
    """The images at the size that a search takes them at where none is stated, and all else that
    it begins with; nothing is proposed for digits, which have a study of their own."""
    from memgan.config import DataConfig, parse
    from memgan.proposals import data_facts, machine_facts, propose

    if config.source == "digits":
        return config, ()
    stated = {f"data.{key}": getattr(config, key) for key in config.model_fields_set}
    facts = data_facts(config, wanted, download=download)
    proposals = propose(facts, machine_facts(), "memgan", stated)
    of_data = {
        each.key.removeprefix("data."): each.value
        for each in proposals
        if each.key.startswith("data.")
    }
    return parse(DataConfig, {**config.model_dump(), **of_data}, "data"), proposals


def _config(source: str, data_dir: Path | None, settings: list[str]) -> DataConfig:
    from memgan.config import DataConfig, parse, read_settings

    given = read_settings(settings)
    values: dict[str, Any] = {key.removeprefix("data."): value for key, value in given.items()}
    values["source"] = source
    if data_dir is not None:
        values["dir"] = data_dir
    return parse(DataConfig, values, "data")


def _options_of_search(data_dir: Path | None, settings: list[str]) -> list[str]:
    """What states to a search the images that were checked, beside their source."""
    options = [] if data_dir is None else ["--data-dir", str(data_dir)]
    overridden = {"source"} if data_dir is None else {"source", "dir"}
    for setting in settings:
        key, _, value = setting.partition("=")
        key = key.strip().removeprefix("data.")
        if key not in overridden:
            options += ["--set", f"data.{key}={value}"]
    return options


def _report(
    config: DataConfig, source: Source, split: Split, wanted: NormalClass
) -> dict[str, Any]:
    from memgan.data import cuts_by_use, shared_images, why_no_validation, why_not_normal
    from memgan.stats import judges_of_finals, judges_of_trials, warning
    from memgan.text import visible

    parts = {
        "train": split.development.train,
        "validation": split.development.validation,
        "test": split.test,
    }
    counts = {part: images.counts() for part, images in parts.items()}
    classes: dict[str, dict[str, Any]] = {}
    too_few = []
    for name in split.class_names:
        not_normal = why_not_normal(split, name)
        if wanted != "all" and name not in wanted:
            not_normal = f"class {name!r} is not among the normal classes, so its images only judge"
        no_validation = None if not_normal else why_no_validation(split, name)
        classes[name] = {
            **{part: counts[part][name] for part in parts},
            "can_be_normal": not_normal is None,
            "can_validate": not_normal is None and no_validation is None,
            "why_not": not_normal or no_validation,
        }
        if not_normal is None:
            judges = {
                "validation": judges_of_trials(split.development, name),
                "test": judges_of_finals(split, name),
            }
            classes[name]["judges"] = {part: each.document() for part, each in judges.items()}
            too_few += [
                line for part, each in judges.items() if (line := warning(name, each, part))
            ]
    shared = shared_images(source.test, source.train) if source.test is not None else 0
    validated = source.validation
    twice = {
        ("test", "training"): shared,
        ("validation", "training"): shared_images(validated, source.train) if validated else 0,
        ("test", "validation"): (
            shared_images(source.test, validated) if source.test and validated else 0
        ),
    }
    warnings = [
        f"{count} {part} images are also among the {other} images, pixel by pixel; left as given"
        for (part, other), count in twice.items()
        if count
    ]
    warnings += [*split.remarks, *too_few]
    return {
        "source": split.source,
        "shape": list(split.test.image_shape),
        "official_test": source.test is not None,
        "official_validation": source.validation is not None,
        "normal_class": wanted if wanted == "all" else list(wanted),
        "cut": "by-use" if cuts_by_use(source, config, wanted) else "by-class",
        "split_seed": config.split_seed,
        "split_hash": split.hash,
        "counts": {part: len(images) for part, images in parts.items()},
        "classes": classes,
        "duplicates_train_test": shared,
        "left_out": [
            {"path": visible(str(each.path)), "reason": each.reason} for each in source.left_out
        ],
        "warnings": warnings,
    }


def _print_report(report: dict[str, Any]) -> None:
    by_seed = f"cut by seed {report['split_seed']}"
    test, validation = (
        "as given" if report[key] else by_seed for key in ("official_test", "official_validation")
    )
    typer.echo(f"{report['source']}: images {'×'.join(map(str, report['shape']))} (C×H×W)")
    if not report["counts"]["test"]:
        test = "none"
    typer.echo(f"test part {test}; validation {validation}")
    only_judges = any(not found["can_be_normal"] for found in report["classes"].values())
    if report["cut"] == "by-use" and only_judges:
        typer.echo(
            "images that are never trained on are shared out between validation and test only"
        )
    typer.echo(f"split hash {report['split_hash']}")
    parts = ("train", "validation", "test")
    rows = [
        [name, *(str(found[part]) for part in parts), _judges(found), _verdict(found)]
        for name, found in report["classes"].items()
    ]
    rows.append(["all", *(str(report["counts"][part]) for part in parts), "", ""])
    _print_table(["class", *parts, "trials judged by", "as normal class"], rows, numbers=parts)
    if any("judges" in found for found in report["classes"].values()):
        typer.echo(
            "±: standard error, in points, of an AUROC of 90 on so many images (Hanley & McNeil)"
        )
    for reason in (found["why_not"] for found in report["classes"].values()):
        if reason:
            typer.echo(f"note: {reason}")
    for warning in report["warnings"]:
        typer.echo(f"warning: {warning}")


def _judges(found: dict[str, Any]) -> str:
    if "judges" not in found:
        return ""
    judges = found["judges"]["validation"]
    error = judges["standard_error"]
    exactly = "" if error is None else f", ±{100 * error:.1f}"
    return f"{judges['normals']} normals, {judges['anomalies']} anomalies{exactly}"


def _verdict(found: dict[str, Any]) -> str:
    if not found["can_be_normal"]:
        return "no"
    return "yes" if found["can_validate"] else "yes, without labelled validation"


def _print_table(headers: list[str], rows: list[list[str]], numbers: tuple[str, ...] = ()) -> None:
    from memgan.fitting_table import Column, FittingTable, show

    table = FittingTable(*(Column(header, number=header in numbers) for header in headers))
    for row in rows:
        table.add_row(*row)
    show(table)
