"""Where the record is: the tracking address, and where artifacts go."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from memgan.config import Frozen
from memgan.errors import BadInput
from tracking.address.redaction import redact
from tracking.address.results_place import DEFAULT_RESULTS, as_address, is_address, local_folder
from tracking.address.sqlite_uri import sqlite_address, sqlite_file
from tracking.address_form import why_malformed
from tracking.tracker_plugins import MLFLOWS_SCHEMES, TRACKER_PLUGINS, plugin_scheme


class Location(Frozen):
    """A tracking address, and where new experiments put their artifacts if it is not a server."""

    uri: str
    artifact_root: str | None = None
    """A URI; None leaves it to the store."""


def resolve(option: str | None, results: Path | str = DEFAULT_RESULTS) -> Location:
    """The option, else MLFLOW_TRACKING_URI, else a SQLite file under `results`.

    PluginFailed for the address of a plug-in that cannot be used.
    BadInput for an address that neither MLflow nor a plug-in keeps a record at, and, where no
    address is given, for `results` that are not on this machine.
    """
    given = option or os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        return _checked(given)
    if is_address(results):
        raise BadInput(
            f"--results {redact(as_address(results))} cannot hold the local record; give "
            "--tracking-uri http(s)://… or sqlite:///FILE, or set MLFLOW_TRACKING_URI"
        )
    folder = local_folder(results).absolute()
    return _checked(sqlite_address(folder / "mlflow.db"))


def _checked(uri: str) -> Location:
    if reason := why_malformed(uri):
        raise BadInput(
            f"tracking address {redact(uri)!r}: {reason}; give http(s)://HOST:PORT,"
            " sqlite:///FILE, or another database's URI"
        )
    scheme = urlsplit(uri).scheme.split("+")[0]
    if (plugged := plugin_scheme(uri)) is not None:
        TRACKER_PLUGINS.find(plugged)  # What cannot be used is told before anything begins.
        return Location(uri=uri)
    if scheme not in MLFLOWS_SCHEMES and uri != "databricks":
        plugged_in = ", ".join(f"{name}://…" for name in TRACKER_PLUGINS.names())
        offered = f", or a plug-in's: {plugged_in}" if plugged_in else ""
        raise BadInput(
            f"tracking address {redact(uri)!r} is not one that MLflow records at; give "
            f"http(s)://HOST:PORT, sqlite:///FILE, or another database's URI{offered}"
        )
    path = sqlite_file(uri)
    if path is None:
        return Location(uri=uri)
    # MLflow's own default is a folder in whatever directory the process was started from.
    query = uri.partition("?")[2]
    return Location(
        uri=f"{sqlite_address(path)}{'?' if query else ''}{query}",
        artifact_root=(path.parent / "mlartifacts").as_uri(),
    )
