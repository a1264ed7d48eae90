"""Tracking stores of other packages: each has a scheme of addresses of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from memgan.plugins import PluginPoint

MLFLOWS_SCHEMES = (
    *("http", "https", "sqlite", "postgresql", "mysql", "mssql", "oracle"),
    *("databricks", "databricks-uc"),
)
"""What an address that MLflow records at begins with, a driver of the database aside."""


def _checked(name: str, found: object) -> Callable[[str], Any]:
    if not callable(found):
        raise TypeError(
            f"its entry point leads to {type(found).__name__}, and must lead to what opens a"
            " tracking.stores.Tracker at an address"
        )
    return found


TRACKER_PLUGINS: PluginPoint[Callable[[str], Any]] = PluginPoint(
    "tracker", "tracking.trackers", _checked
)
"""By scheme, what opens the store at an address."""


def plugin_scheme(uri: str) -> str | None:
    """The scheme of an address that a plug-in records at; None for any other address.

    Nothing of the plug-in is imported.
    """
    scheme = urlsplit(uri).scheme
    if scheme.split("+")[0] in MLFLOWS_SCHEMES or scheme not in TRACKER_PLUGINS.names():
        return None
    return scheme
