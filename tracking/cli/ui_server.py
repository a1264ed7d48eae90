"""The MLflow UI on a record of this machine: how it is started, and never beyond loopback."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from pathlib import Path

from memgan.errors import BadInput
from tracking.address import Location, for_mlflow, redact, search_command, sqlite_file
from tracking.outbox import EXPERIMENT_ID, TRACKING_URI, Outbox
from tracking.stores import follow_move
from tracking.tracker_plugins import plugin_scheme

LOOPBACK = "127.0.0.1"
USUAL_PORT = 5000


def free_port(asked: int | None) -> int:
    """`asked` if it is free, else BadInput; for None MLflow's usual port, else any free one."""
    for port in [asked] if asked is not None else [USUAL_PORT, 0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise BadInput(f"port {asked} cannot be had; choose another one with --port")


def study_experiments(location: Location, results: Path) -> dict[str, str]:
    """The experiment of each study of a results folder that is recorded at `location`, by the
    study's name, newest first."""
    found = {}
    for path in sorted(results.glob("studies/*/outbox.db"), key=_changed, reverse=True):
        outbox = Outbox(path)
        try:
            facts = outbox.fact(TRACKING_URI), outbox.fact(EXPERIMENT_ID)
        except sqlite3.Error:
            continue
        finally:
            outbox.close()
        if facts[0] == redact(location.uri) and facts[1]:
            found[path.parent.name] = facts[1]
    return found


def _changed(path: Path) -> float:
    return path.stat().st_mtime


def server_command(location: Location, port: int) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of an MLflow server on a database, bound to loopback.

    BadInput if the record is a SQLite file that does not exist.
    """
    path = sqlite_file(location.uri)
    if path is not None and not path.is_file():
        raise BadInput(
            f"no record at {path}; {search_command(location.uri)} makes one, or name another with"
            " --results or --tracking-uri"
        )
    if plugin_scheme(location.uri) is not None:
        raise BadInput(
            f"{redact(location.uri)} is a plug-in's, which MLflow's UI cannot show; compare studies"
            " with `memgan compare`"
        )
    if location.uri.startswith("databricks"):
        raise BadInput(f"{location.uri} is a server already; open it in a browser")
    follow_move(location.uri, location.artifact_root)
    arguments = [sys.executable, "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port)]
    arguments += ["--workers", "1"]
    if location.artifact_root:
        arguments += ["--artifacts-destination", location.artifact_root]
    environment = {
        **os.environ,
        # Here and not among the arguments, where everybody can read passwords.
        "MLFLOW_BACKEND_STORE_URI": for_mlflow(location.uri),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONSAFEPATH": "1",  # What lies in the working folder is not MLflow's.
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    return arguments, environment
