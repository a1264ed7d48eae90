"""How `memgan search` tells its result to a reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from search.workflow import StudyResult

CAUTIONS_SHOWN = 5


def print_result(result: StudyResult, out: TextIO) -> None:
    """The result as tables and lines, with where to look further."""
    from memgan.fitting_table import show
    from search.report import (
        caution_lines,
        front_table,
        report_remarks,
        report_table,
        verdict_lines,
    )

    if result.report is not None:
        report = result.report
        show(report_table(report), out)
        for line in report_remarks(report):
            typer.echo(line, out)
        for trial, values in report.values.items():
            shown = ", ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in values.items()
            )
            typer.echo(f"winner: trial {trial} ({shown})", out)
        for line in caution_lines(report, CAUTIONS_SHOWN):
            typer.echo(f"caution: {line}", out)
        for line in verdict_lines(report):
            typer.echo(f"doctor: {line}", out)
    for front in result.fronts.values():
        show(front_table(front, result.study.objectives), out)
    counts = ", ".join(f"{count} {state}" for state, count in result.trials.items() if count)
    typer.echo(f"trials: {counts or 'none'}; {result.seconds:.0f} s", out)
    if result.report is not None:
        typer.echo(f"best configuration and bundles: {result.folder.export}", out)
        typer.echo(where_recorded(result), out)


def where_recorded(result: StudyResult) -> str:
    """The link to the study's runs, or the command that prints it."""
    from tracking import redact, ui_command
    from tracking.address import is_server, server_page
    from tracking.tracker_plugins import plugin_scheme

    uri, experiment = result.tracking_uri, result.experiment_id
    if plugin_scheme(uri) is not None or uri.startswith("databricks"):
        return f"recorded at {redact(uri)}"
    if is_server(uri):
        return f"runs in MLflow, best first: {server_page(uri, experiment)}"
    command = ui_command(uri, result.folder.results)
    return f"runs in MLflow, best first: {command}   (prints the link)"


def warn(result: StudyResult, note: Callable[[str], None]) -> None:
    """Tell what of the record has not arrived, and why."""
    from tracking.address import sync_command

    for line in result.remainder.lines(sync_command(result.study.name, result.folder.where)):
        note(line)
    for fault in result.faults:
        note(f"record: {fault}")
