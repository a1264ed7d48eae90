"""The memgan commands that messages advise: resume, sync, ui, and others of a study."""

from __future__ import annotations

from pathlib import Path

from tracking.address.redaction import redact
from tracking.address.results_place import DEFAULT_RESULTS, is_address, local_folder
from tracking.address.shell_words import quoted, shell_command
from tracking.address.sqlite_uri import sqlite_file


def sync_command(study: str, results: Path | str = DEFAULT_RESULTS) -> str:
    """The command that delivers what a study's outbox still holds, as it can be pasted."""
    return study_command("sync", study, results)


def ui_command(uri: str, results: Path | str = DEFAULT_RESULTS) -> str:
    """The command that opens the record at `uri`, exactly as it can be pasted into a shell."""
    path = sqlite_file(uri)
    if path is None:
        return shell_command("memgan", "ui", "--tracking-uri", redact(uri))
    if path == DEFAULT_RESULTS.absolute() / "mlflow.db":
        return shell_command("memgan", "ui")
    if path == local_folder(results).absolute() / "mlflow.db":
        return shell_command("memgan", "ui", "--results", str(results))
    return shell_command("memgan", "ui", "--tracking-uri", uri)


def search_command(uri: str) -> str:
    """The command whose first study makes the record in the SQLite file at `uri`."""
    path = sqlite_file(uri)
    if path is None or path.name != "mlflow.db":
        return shell_command("memgan", "search", "--tracking-uri", redact(uri))
    return shell_command("memgan", "search", *_results_option(path.parent))


def begin_command(results: Path | str = DEFAULT_RESULTS) -> str:
    """The command whose study will be the first in a results folder."""
    return shell_command("memgan", "search", *_results_option(results))


def serve_command(model: str, uri: str) -> str:
    """MLflow's command that serves the champion of a registered model; uri: without passwords."""
    model_uri = f"models:/{model}@champion"
    served = shell_command("mlflow", "models", "serve", "-m", model_uri, "--env-manager", "local")
    return f"MLFLOW_TRACKING_URI={quoted(uri)} {served}"


def resume_command(study: str, results: Path | str = DEFAULT_RESULTS, *more: str) -> str:
    """The command that goes on with a study, as it can be pasted; more: further arguments."""
    return shell_command("memgan", "search", "--resume", study, *_results_option(results), *more)


def study_command(verb: str, study: str, results: Path | str = DEFAULT_RESULTS, *more: str) -> str:
    """`memgan VERB STUDY` for a study's results folder, as it can be pasted."""
    return shell_command("memgan", *verb.split(), study, *_results_option(results), *more)


def _results_option(results: Path | str) -> tuple[str, ...]:
    is_default = not is_address(results) and Path(results).absolute() == DEFAULT_RESULTS.absolute()
    return () if is_default else ("--results", str(results))
