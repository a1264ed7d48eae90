"""A store that answers, and will not have what it is given until a person changes something.

What is denied stays in the outbox like what waits, as a right can be granted and a password be
mended. But asking again does nothing by itself, and a user has to be told what would.
"""

from __future__ import annotations

from tracking.stores.tracker import Unavailable

_MARK = "refused until this is mended: "
_USER = (
    "the server does not know this user; set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and"
    " MLFLOW_TRACKING_PASSWORD"
)
_RIGHT = "this user may not write there; ask for the right, or give another user or --tracking-uri"
_ADDRESS = "no MLflow server is at this address; mend --tracking-uri or MLFLOW_TRACKING_URI"
_BY_CODE = {
    "UNAUTHENTICATED": _USER,
    "CUSTOMER_UNAUTHORIZED": _USER,
    "PERMISSION_DENIED": _RIGHT,
    "ENDPOINT_NOT_FOUND": _ADDRESS,
    "NOT_FOUND": _ADDRESS,
}
_BY_HTTP = {401: _USER, 403: _RIGHT, 404: _ADDRESS}


class Denied(Unavailable):
    """The store refuses everything of this kind. Do what the line says; then ask again."""

    def __init__(self, what_to_do: str, answer: str) -> None:
        super().__init__(f"{_MARK}{what_to_do} ({answer})")


def denied(code: str | int | None, answer: str) -> Denied | None:
    """For MLflow's error code, or an HTTP status; None for one that may pass by itself."""
    hint = _BY_HTTP.get(code) if isinstance(code, int) else _BY_CODE.get(code or "")
    return Denied(hint, answer) if hint else None


def without_experiment(name: str, answer: str) -> Denied:
    """What says that the store takes no experiment of a study's name."""
    return Denied(
        f"the server takes no experiment named {name}; give one that it takes with --experiment"
        f" (on Databricks /Users/YOU/{name}), or record elsewhere with --tracking-uri",
        answer,
    )


def tells_of_denial(fault: str | None) -> bool:
    """Whether a delivery's fault, as it is kept in one line, came of a `Denied`."""
    return _MARK in (fault or "")
