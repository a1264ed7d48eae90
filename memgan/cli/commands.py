"""`memgan train` and `memgan score`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memgan.machine import with_own_version

if TYPE_CHECKING:
    from memgan.bundle import Bundle
    from memgan.config import Configuration
    from memgan.figures import HeatMaps

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
_Device = Annotated[str | None, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")]


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="What to train.")],
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds, from --seed on.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The first seed.")] = None,
    normal_class: Annotated[
        str | None, typer.Option(metavar="all|C[,C…]", help="Normal classes.")
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="NAME|PATH", help="The images.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where named data sets lie [MEMGAN_DATA].")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch missing data and weights of a backbone.")
    ] = False,
    device: _Device = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where bundles go.")] = None,
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Where --out lies unless it is given.")
    ] = Path("results"),
    jobs: Annotated[
        int | None, typer.Option(min=1, help="The most trainings at once, if memory allows.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with the AUROC recorded in the file.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Train a configuration in full and report AUROC by class on the test images.

    Example: memgan train results/studies/NAME/export/best.yaml --verify
    """
    from memgan.config import Configuration, configure, parse, read_yaml
    from memgan.data import check_outside_images
    from memgan.fitting_table import show
    from memgan.health import doctor_lines
    from memgan.waiting import waiting_for

    file = parse(Configuration, read_yaml(config), str(config))
    configuration = configure(
        file,
        settings=settings or [],
        source=data,
        data_dir=data_dir,
        normal_class=normal_class,
        device=device,
    )
    configuration = configuration.model_copy(update={"seeds": _seeds(configuration, seeds, seed)})
    target = out or _fresh(results / "trained", config.stem)
    check_outside_images(configuration.data, target, "--results" if out is None else "--out")
    with waiting_for("loading memgan", logged=False):
        from memgan.bundle import compare_with_origin, train_configuration, trained_table
    trained = train_configuration(
        configuration,
        out=target,
        download=download,
        jobs=jobs,
        note=_note,
    )
    comparison = compare_with_origin(trained, file) if verify else None
    if as_json:
        document = trained.document()
        if comparison is not None:
            document["verify"] = comparison.document()
        typer.echo(json.dumps(with_own_version(document), ensure_ascii=False))
    else:
        show(trained_table(trained))
        for line in doctor_lines(trained.verdicts):
            typer.echo(f"doctor: {line}")
        typer.echo(f"bundles: {trained.out}")
        if comparison is not None:
            for line in comparison.lines():
                typer.echo(line)
    if comparison is not None and not comparison.equal:
        raise typer.Exit(1)


def score(
    bundle: Annotated[
        Path,
        typer.Argument(metavar="BUNDLE", help="A bundle, or an export with one."),
    ],
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Image files, folders, .npz with x.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a table: .csv or .parquet, by the suffix."),
    ] = None,
    heatmaps: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a picture of each image that shows where it is unlike normal ones.",
        ),
    ] = None,
    false_alarm_rate: Annotated[
        float | None,
        typer.Option(help="The share of normal images that may be flagged, such as 0.01."),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", help="Score images with a longer side in overlapping tiles of it."
        ),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(
            metavar="auto|torch|onnx",
            help="The weights, or the ONNX model, which starts sooner; auto: the model on a CPU.",
        ),
    ] = "auto",
    device: _Device = None,
    as_json: _Json = False,
) -> None:
    """Score images with an exported bundle; higher is more anomalous.

    Example: memgan score results/studies/NAME/export/bundles/3 photos/ --out scores.csv
    """
    import dataclasses
    import sys
    from contextlib import ExitStack

    from memgan.bundle import (
        CsvTable,
        JsonDocument,
        Lines,
        Table,
        given_bundle,
        load_bundle,
        score_in_tiles,
        score_paths,
        table_file,
    )
    from memgan.data import FewGreyLevels, LeftOut, left_out_lines
    from memgan.errors import BadInput
    from memgan.shell_words import shell_command
    from memgan.text import one_printable_line
    from memgan.waiting import waiting_for

    options = {
        "--out": out,
        "--heatmaps": heatmaps,
        "--false-alarm-rate": false_alarm_rate,
        "--tile": tile,
        "--backend": None if backend == "auto" else backend,
        "--device": device,
    }

    def command(one: Path) -> str:
        """The same, of one bundle."""
        stated = [word for name, v in options.items() if v is not None for word in (name, str(v))]
        as_asked = [*stated, *(["--json"] if as_json else [])]
        return shell_command("memgan", "score", str(one), *map(str, paths), *as_asked)

    given, bundle = bundle, given_bundle(bundle, command)
    if given != bundle:
        _note(f"scored with {bundle}, the only bundle there")
    with waiting_for(f"loading {bundle}", logged=False):
        loaded = load_bundle(bundle, device=device or "auto", backend=backend)
    if false_alarm_rate is not None:
        loaded = dataclasses.replace(loaded, calibration=loaded.calibration.at(false_alarm_rate))
    unreadable, left_out = Lines(), Lines()

    def tell(line: str) -> None:
        line = one_printable_line(line)
        unreadable.add(line)
        _note(line)

    def tell_left_out(of_folder: Sequence[LeftOut]) -> None:
        for each in of_folder:
            left_out.add(one_printable_line(f"{each.shown()}: {each.reason}"))
        for line in left_out_lines(of_folder):
            _note(one_printable_line(line, 10_000))

    few = FewGreyLevels()
    if tile is None:
        batches = score_paths(loaded, paths, tell, tell_left_out, few=few)
    elif heatmaps:
        raise BadInput("--tile gives a box for each image and no heat maps; leave --heatmaps out")
    else:
        batches = score_in_tiles(loaded, paths, tile, tell, tell_left_out, few=few)
    boxes = heatmaps is not None or tile is not None
    maps = _heat_maps(heatmaps, loaded, paths) if heatmaps else None
    document = None
    count, tiles = 0, 1
    with ExitStack() as stack:
        tables: list[Table] = []
        if out:
            tables.append(stack.enter_context(table_file(out, boxes=boxes)))
        if as_json:
            facts = with_own_version(
                {
                    "bundle": str(bundle),
                    "backend": loaded.backend,
                    **loaded.calibration.document(),
                }
            )
            document = JsonDocument(sys.stdout, facts, boxes=boxes)
            tables.append(document)
        elif not out:
            tables.append(CsvTable(sys.stdout, boxes=boxes))
        if out or not sys.stdout.isatty():
            # Rows on a terminal tell by themselves how far it is.
            stack.enter_context(waiting_for(lambda: f"scoring, {count} images done", logged=False))
        for batch in batches:
            rows = maps.write(batch) if maps else batch.rows
            for table in tables:
                table.write(rows)
            count, tiles = count + len(batch.rows), max(tiles, batch.tiles)
    short = loaded.calibration.shortage_of_tiles(tiles) if tiles > 1 else None
    of_tiles = [] if short is None else [short]
    if document:
        more = {} if tile is None else {"tile_shortages": of_tiles}
        document.end(unreadable=unreadable, left_out=left_out, **more)
    elif out:
        scored = "1 image" if count == 1 else f"{count} images"
        typer.echo(f"{scored} scored with {_BACKENDS[loaded.backend]}: {out}")
    else:
        _note(f"scored with {_BACKENDS[loaded.backend]}; --backend chooses")
    if shortage := loaded.calibration.shortage:
        _note(shortage)
    for line in of_tiles:
        _note(line)
    for remark in few.remarks():
        _note(f"{remark} (this bundle has none: train one with it on such images)")
    if left_out.count:
        _note(f"{left_out.count} files and folders were left out, {count} images scored")
    if unreadable.count:
        images = "image" if unreadable.count == 1 else "images"
        _note(f"{unreadable.count} {images} could not be read, {count} scored")
        raise typer.Exit(1)


_BACKENDS = {"onnx": "the ONNX model, on the CPU", "torch": "the weights, by torch"}


def _heat_maps(folder: Path, bundle: Bundle, paths: list[Path]) -> HeatMaps:
    from memgan.errors import BadInput
    from memgan.figures import HeatMaps

    for path in paths:
        if folder.resolve().is_relative_to(path.resolve()):
            raise BadInput(f"--heatmaps {folder} lies in {path}, which is scored; give another")
    return HeatMaps(folder, bundle)


def _seeds(configuration: Configuration, count: int | None, first: int | None) -> tuple[int, ...]:
    if count is None and first is None:
        return configuration.seeds
    start = configuration.seeds[0] if first is None else first
    return tuple(range(start, start + (count or 1)))


def _fresh(folder: Path, stem: str) -> Path:
    from datetime import datetime

    return folder / f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"


def _note(line: str) -> None:
    from memgan.waiting import tell

    tell(line)
