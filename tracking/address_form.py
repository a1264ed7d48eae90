"""Whether an address that a user gives can be one at all, before anybody is asked there."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_STORES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs")
_NAME = re.compile(r"[\w.:%-]+")
_HIDDEN = "in a user or a password write / as %2F, @ as %40, [ as %5B"


def why_malformed(address: str) -> str | None:
    """What is wrong with the form of an address with a scheme, in a few words; None where it is
    in order. It may still lead nowhere."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # Its message may hold a password.
        what = "port" if "ort" in str(error) else "brackets around an IPv6 host"
        return f"its {what} cannot be read; {_HIDDEN}"
    if parts.scheme in ("http", "https", *_STORES) and not host:
        return f"it names no {'bucket' if parts.scheme in _STORES else 'host'}"
    if host and not _NAME.fullmatch(host):
        return f"{host!r} is no name of a host"
    if port == 0:
        return "port 0 is none to connect to; give one from 1 to 65535"
    return _of_sqlite(parts, address)


def _of_sqlite(parts: SplitResult, address: str) -> str | None:
    if parts.scheme.split("+")[0] != "sqlite":
        return None
    if parts.netloc or not address.partition(":///")[2].partition("?")[0].strip():
        return "it names no file; write sqlite:///FILE"
    return None


def is_store_alone(text: str) -> bool:
    """Whether `text` is what becomes of s3:// where it is taken for a path: only a scheme."""
    return text.rstrip("/").removesuffix(":") in _STORES and ":" in text


def is_host_and_port(text: str) -> bool:
    """Whether `text` is host:port, with a port from 1 to 65535; IPv6 hosts stand in brackets."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
        return False
    if host.startswith("["):
        return re.fullmatch(r"\[[0-9A-Fa-f:.]+(%\w+)?\]", host) is not None
    labels = host.split(".")
    return all(0 < len(label) <= 63 and re.fullmatch(r"[\w-]+", label) for label in labels)
