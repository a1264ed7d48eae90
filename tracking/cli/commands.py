"""The record's own commands; `search` mounts `memgan ui`, `sync` and `compare`."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from memgan.machine import with_own_version

Results = Annotated[
    Path, typer.Option("--results", metavar="DIR", help="The folder that studies write to.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        metavar="URI",
        help="Where the record is; else MLFLOW_TRACKING_URI, else sqlite:///RESULTS/mlflow.db.",
    ),
]


_PAGES_SHOWN = 10


def ui(
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    port: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1; by default 5000, or a free one.")
    ] = None,
) -> None:
    """Print links to the studies' runs in MLflow, best first, and serve a record of this machine.

    Nobody else can reach what is served. For a server, its own links are printed.

    Example: memgan ui --results ./results
    """
    from memgan.errors import BadInput
    from tracking.address import is_server, local_folder, resolve, runs_page, server_page
    from tracking.cli.ui_server import LOOPBACK, free_port, server_command, study_experiments

    location = resolve(tracking_uri, results)
    known = study_experiments(location, local_folder(results))
    shown = list(known.items())[:_PAGES_SHOWN]
    if is_server(location.uri):
        if port is not None:
            raise BadInput("--port goes only with a record on this machine, not with a server")
        typer.echo(f"MLflow at {server_page(location.uri)}")
        for name, experiment in shown:
            typer.echo(f"  {name}: {server_page(location.uri, experiment)}")
        return
    chosen = free_port(port)
    arguments, environment = server_command(location, chosen)
    address = f"http://{LOOPBACK}:{chosen}/"
    typer.echo(f"MLflow UI at {address} in a few seconds; Ctrl-C ends it")
    for name, experiment in shown:
        typer.echo(f"  {name}: {address}{runs_page(experiment)}")
    os.execve(arguments[0], arguments, environment)


def sync(
    study: Annotated[
        str | None, typer.Argument(help="A study's name; without one, all of them.")
    ] = None,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Deliver everything once more, refused events too, if the store lost it.",
        ),
    ] = False,
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The experiment that runs go to; else the one they went to before."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document to standard output.")
    ] = False,
) -> None:
    """Deliver what still waits for the record, for instance after the server was away.

    Each study's events go where it recorded before, unless --tracking-uri says otherwise. The exit
    code is 1 if something still waits or a move failed. What the store refuses for good is named
    and stays in the outbox.

    Example: memgan sync digits
    """
    from tracking.address import begin_command, local_folder
    from tracking.outbox import find_outboxes, sync_all
    from tracking.stores import tells_of_denial

    found = find_outboxes(local_folder(results), study)
    done = sync_all(found, results, tracking_uri, again=again, experiment=experiment)
    waiting = sum(one.waiting for one in done)
    if as_json:
        studies = [one.model_dump(mode="json") for one in done]
        typer.echo(json.dumps(with_own_version({"studies": studies, "waiting": waiting})))
    else:
        for one in done:
            left = "refused for now" if tells_of_denial(one.fault) else "waiting"
            typer.echo(f"{one.study}: {one.delivered} delivered, {one.waiting} {left}")
            for line in one.refused:
                typer.echo(f"  refused by the store: {line}")
            if one.fault:
                typer.echo(f"  {one.fault}")
        if not done:
            typer.echo(f"no study under {results}; `{begin_command(results)}` begins one")
        if waiting:
            typer.echo("what waits is kept; run the same again once the store takes it")
        elif any(one.fault for one in done):
            typer.echo("the record stays where it was; run the same again once the store takes it")
    if waiting or any(one.fault for one in done):
        raise typer.Exit(1)


class CompareFormat(StrEnum):
    """How a comparison is written."""

    TABLE = "table"
    CSV = "csv"
    MARKDOWN = "markdown"
    JSON = "json"


def compare(
    studies: Annotated[
        list[str],
        typer.Argument(metavar="STUDY…", help="Names of studies in the record, or NAME@ID."),
    ],
    published: Annotated[
        str | None,
        typer.Option(
            metavar="mnist|cifar10", help="Show figures of the paper's tables beside the studies."
        ),
    ] = None,
    form: Annotated[
        CompareFormat, typer.Option("--format", help="How to write it.")
    ] = CompareFormat.TABLE,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Compare studies by test AUROC: mean ± sd by class, and how sure the differences are.

    Reads only the record, so studies may have been made on any machine.

    Example: memgan compare mnist mnist-pca --published mnist --format markdown
    """
    from tracking.address import resolve
    from tracking.comparison import compare as put_together
    from tracking.comparison import (
        comparison_csv,
        comparison_markdown,
        comparison_table,
        open_store,
        read_studies,
        remarks,
    )

    store = open_store(resolve(tracking_uri, results))
    comparison = put_together(read_studies(store, studies, results), published, results)
    if as_json or form is CompareFormat.JSON:
        typer.echo(json.dumps(with_own_version(comparison.document()), ensure_ascii=False))
    elif form is CompareFormat.CSV:
        typer.echo(comparison_csv(comparison), nl=False)
    elif form is CompareFormat.MARKDOWN:
        typer.echo(comparison_markdown(comparison))
    else:
        from memgan.fitting_table import show

        show(comparison_table(comparison))
        for line in remarks(comparison):
            typer.echo(line)
