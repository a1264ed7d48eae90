"""Whether anybody is at a tracking address, found out in seconds.

MLflow itself would try for minutes, and only after it has been imported.
"""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tracking.address import one_line, sqlite_file
from tracking.stores.fresh_store import in_the_way
from tracking.stores.tracker import Unavailable

_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def knock(uri: str, timeout: float = 5.0) -> None:
    """Return if a server answers, or a SQLite file can be written. Raises Unavailable if not.

    timeout: seconds to connect; a server has four times as long to answer.
    """
    path = sqlite_file(uri)
    address = urlsplit(uri)
    scheme = address.scheme.split("+")[0]
    if path is not None:
        _open_file(path)
    elif scheme in ("http", "https"):
        _ask_server(f"{uri.rstrip('/')}/health", timeout)
    elif address.hostname and (address.port or scheme in _PORTS):
        try:
            socket.create_connection(
                (address.hostname, address.port or _PORTS[scheme]), timeout=timeout
            ).close()
        except OSError as error:
            raise Unavailable(f"nobody answers there: {one_line(error)}") from None


def _open_file(path: Path) -> None:
    if (side := in_the_way(path)) is not None:
        raise Unavailable(f"{side} lies there, and SQLite would remove it; move it away")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as sql:
            sql.execute("PRAGMA schema_version")
            sql.execute("BEGIN IMMEDIATE")
            sql.execute("ROLLBACK")
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(one_line(error)) from None


def _ask_server(url: str, timeout: float) -> None:
    import requests

    try:
        requests.get(url, timeout=(timeout, 4 * timeout))
    except requests.Timeout:
        raise Unavailable("it does not answer in time") from None
    except requests.exceptions.SSLError as error:
        raise Unavailable(f"no secure connection: {one_line(error)}") from None
    except requests.ConnectionError:
        raise Unavailable("nobody answers there") from None
    except requests.RequestException as error:
        raise Unavailable(one_line(error)) from None
