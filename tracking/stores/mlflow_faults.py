"""MLflow's many exceptions as the few that a delivery tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from requests import HTTPError, RequestException

from memgan.errors import BadInput
from tracking.address import one_line
from tracking.stores.denial import denied
from tracking.stores.tracker import Gone, Refused, Unavailable

# What is wrong with the content stays wrong. Everything else may be mended by somebody meanwhile:
# 401, 403 and the 404 of something that is not an MLflow server (see `denial`), or by itself: no
# answer, 429, 5xx.
_FOR_EVER = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS"}
_FOR_EVER_BY_HTTP = {400, 411, 413, 414, 415, 422}
"""What an artifact is refused for: its size (413, often by a proxy), its name, its form."""
_DELETED = "must be in the 'active' state"
_OF_THE_DATABASE = "sqlalche.me"
"""SQLAlchemy's own faults name a page there; MLflow calls most of them a bad request, also the
lack of a free connection."""
_DATA_ERROR = "/9h9h"
"""The page of a value that its column cannot hold."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises Refused for what will never be taken, Unavailable for what may be, later."""
    try:
        yield
    except BadInput as error:
        raise Refused(one_line(error)) from error
    except MlflowException as error:
        raise denied(error.error_code, one_line(error)) or _kind(error)(one_line(error)) from error
    except HTTPError as error:
        answer = error.response
        status = None if answer is None else int(answer.status_code)
        kind = Refused if status in _FOR_EVER_BY_HTTP else Unavailable
        raise denied(status, one_line(error)) or kind(one_line(error)) from error
    except (RequestException, OSError) as error:
        raise Unavailable(one_line(error)) from error


@contextmanager
def kept_since(version: str, what: str) -> Iterator[None]:
    """Within `translated`: Refused where the server is older than that, and keeps no such thing."""
    try:
        yield
    except MlflowException as error:
        if error.error_code == "ENDPOINT_NOT_FOUND":
            raise Refused(f"this server keeps no {what}; it takes MLflow {version}") from error
        raise


def _kind(error: MlflowException) -> type[Refused] | type[Unavailable]:
    text = str(error)
    if error.error_code == "RESOURCE_DOES_NOT_EXIST" or _DELETED in text:
        return Gone
    if error.error_code not in _FOR_EVER:
        return Unavailable
    # A value that does not fit its column never will; any other fault of a database may pass.
    passing = _OF_THE_DATABASE in text and _DATA_ERROR not in text
    return Unavailable if passing else Refused
