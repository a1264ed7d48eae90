"""The record's own commands; `search` mounts them as `memgan ui` and `memgan sync`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

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


def ui(
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    port: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1; by default 5000, or a free one.")
    ] = None,
) -> None:
    """Open the MLflow UI on a local record, on this machine only.

    Example: memgan ui --results ./results
    """
    from tracking.location import resolve
    from tracking.server import LOOPBACK, free_port, server_command

    location = resolve(tracking_uri, results)
    chosen = free_port(port)
    arguments, environment = server_command(location, chosen)
    typer.echo(f"MLflow UI at http://{LOOPBACK}:{chosen} in a few seconds; Ctrl-C ends it")
    os.execve(arguments[0], arguments, environment)


def sync(
    study: Annotated[
        str | None, typer.Argument(help="A study's name; without one, all of them.")
    ] = None,
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document to standard output.")
    ] = False,
) -> None:
    """Deliver what the record still holds back, for instance after the server was away.

    Goes to where each study recorded before, unless --tracking-uri says otherwise. Exit code 1
    if something still waits.

    Example: memgan sync digits
    """
    from tracking.location import local_folder
    from tracking.sync import find_outboxes, sync_one

    found = find_outboxes(local_folder(results), study)
    done = [sync_one(path, results, tracking_uri) for path in found]
    waiting = sum(one.waiting for one in done)
    if as_json:
        studies = [one.model_dump(mode="json") for one in done]
        typer.echo(json.dumps({"studies": studies, "waiting": waiting}))
    else:
        for one in done:
            typer.echo(f"{one.study}: {one.delivered} delivered, {one.waiting} waiting")
            for line in one.refused:
                typer.echo(f"  refused by the store: {line}")
            if one.fault:
                typer.echo(f"  {one.fault}")
        if not done:
            typer.echo(f"no study under {results}")
    if waiting:
        raise typer.Exit(1)
