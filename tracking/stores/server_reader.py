"""An MLflow server read over its documented REST interface."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tracking.stores.quick_reader import NotQuick
from tracking.stores.tracker import RunView

if TYPE_CHECKING:
    import requests

_SECONDS = (5.0, 120.0)
"""To connect, and to answer."""
_USER, _PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
_TOKEN = "MLFLOW_TRACKING_TOKEN"
_KNOWN = {_USER, _PASSWORD, _TOKEN, "MLFLOW_TRACKING_URI"}
_OTHERS = ("MLFLOW_TRACKING_", "MLFLOW_WORKSPACE", "MLFLOW_ENABLE_WORKSPACES")
_PAGE = 1000
_PROXIED = "mlflow-artifacts"


class ServerReader:
    """A `RecordReader` of a server; `NotQuick` for every answer but the plain ones.

    uri: the server's http(s) address, with a user and password or without. `NotQuick` from the
    start where certificates, other kinds of log-in or plug-ins for requests are set for MLflow.
    """

    def __init__(self, uri: str) -> None:
        self._base = uri.rstrip("/")
        self._session = _session()
        self._folders: dict[str, str] = {}

    def find_experiment(self, name: str) -> str | None:
        answer = self._asked("GET", "mlflow/experiments/get-by-name", {"experiment_name": name})
        found = (answer or {}).get("experiment", {})
        return str(found["experiment_id"]) if found.get("lifecycle_stage") == "active" else None

    def experiments(self) -> list[str]:
        pages = self._pages("mlflow/experiments/search", {"max_results": _PAGE})
        return sorted(str(one["name"]) for page in pages for one in page.get("experiments", []))

    def runs(self, experiment_id: str, tags: Mapping[str, str]) -> list[RunView]:
        asked = {
            "experiment_ids": [experiment_id],
            "filter": " AND ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items()),
            "order_by": ["attributes.start_time ASC"],
            "max_results": _PAGE,
        }
        found = [
            run for page in self._pages("mlflow/runs/search", asked) for run in page.get("runs", [])
        ]
        self._folders |= {run["info"]["run_id"]: run["info"]["artifact_uri"] for run in found}
        return [_view(run["info"], run.get("data", {})) for run in found]

    def read_artifact(self, run_id: str, path: str) -> bytes | None:
        folder = urlsplit(self._folders.get(run_id, ""))
        if folder.scheme != _PROXIED or folder.netloc:
            raise NotQuick  # It lies where the server does not fetch it from.
        place = quote(f"{folder.path.strip('/')}/{path}")
        answer = self._answer("GET", f"mlflow-artifacts/artifacts/{place}")
        return None if answer is None else answer.content

    def _pages(self, what: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            page = self._asked("POST", what, asked | ({"page_token": token} if token else {}))
            if page is None:
                raise NotQuick
            yield page
            token = page.get("next_page_token", "")
            if not token:
                return

    def _asked(self, method: str, what: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        answer = self._answer(
            method, what, **({"params": asked} if method == "GET" else {"json": asked})
        )
        try:
            return None if answer is None else dict(answer.json())
        except (ValueError, TypeError) as error:
            raise NotQuick from error

    def _answer(self, method: str, what: str, **asked: Any) -> requests.Response | None:
        """The answer, or None where the server has no such thing."""
        import requests

        try:
            answer = self._session.request(
                method, f"{self._base}/api/2.0/{what}", timeout=_SECONDS, **asked
            )
        except requests.RequestException as error:
            raise NotQuick from error
        if answer.status_code == 404 and "RESOURCE_DOES_NOT_EXIST" in answer.text:
            return None
        if answer.status_code != 200:
            raise NotQuick
        return answer


def _session() -> requests.Session:
    import requests

    unknown = [key for key in os.environ if key.startswith(_OTHERS) and key not in _KNOWN]
    headers_of_plugins = entry_points(group="mlflow.request_header_provider")
    if unknown or headers_of_plugins or Path("~/.mlflow/credentials").expanduser().exists():
        raise NotQuick
    session = requests.Session()
    if (user := os.environ.get(_USER)) and (password := os.environ.get(_PASSWORD)):
        encoded = b64encode(f"{user}:{password}".encode()).decode()
        session.headers["Authorization"] = f"Basic {encoded}"
    elif token := os.environ.get(_TOKEN):
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def _view(info: Mapping[str, Any], data: Mapping[str, Any]) -> RunView:
    end = info.get("end_time")
    return RunView(
        run_id=str(info["run_id"]),
        name=str(info.get("run_name", "")),
        status=str(info["status"]),
        start=int(info["start_time"]),
        end=int(end) if end else None,
        params={one["key"]: one.get("value", "") for one in data.get("params", [])},
        tags={one["key"]: one.get("value", "") for one in data.get("tags", [])},
        metrics={one["key"]: float(one["value"]) for one in data.get("metrics", [])},
    )
