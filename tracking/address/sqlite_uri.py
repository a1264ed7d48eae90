"""The address of a SQLite file: its path, and the form of it that MLflow reads."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote

from memgan.files import expanded


def sqlite_file(uri: str) -> Path | None:
    """The absolute path of a `sqlite:///FILE` address, or None for any other."""
    head, found, tail = uri.partition(":///")
    if not found or head.split("+")[0] != "sqlite":
        return None
    return expanded(Path(unquote(tail.partition("?")[0]))).absolute()


def sqlite_address(path: Path | str) -> str:
    """The `sqlite:///FILE` address of a path; what an address would misread is percent-encoded."""
    return "sqlite:///" + re.sub("[%?#]", lambda found: quote(found.group()), str(path))


def for_mlflow(uri: str) -> str:
    """An address as MLflow is given it.

    Of `sqlite:///` it takes the path undecoded and makes a folder of that name; with a driver
    named it leaves that to whoever opens the file.
    """
    escaped = uri.startswith("sqlite:") and "%" in uri
    return uri.replace("sqlite:", "sqlite+pysqlite:", 1) if escaped else uri
