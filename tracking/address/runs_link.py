"""Where the MLflow UI shows a study's runs as training of models: best first, with the columns that
matter. Opened without such a link, it takes an experiment for one on language models."""

from __future__ import annotations

from urllib.parse import urlsplit

from tracking.runs_view import VIEW_KEY

_TRAINING = "workflowType=machine_learning"


def is_server(uri: str) -> bool:
    """Whether a record is at an MLflow server, which a browser can open."""
    return urlsplit(uri).scheme in ("http", "https")


def runs_page(experiment_id: str) -> str:
    """A study's runs in the view that the record keeps for them: what follows the UI's address."""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW_KEY}&{_TRAINING}"


def server_page(uri: str, experiment_id: str | None = None) -> str:
    """The address of a study's runs at a server, or of all experiments there; without the user and
    password that `uri` may hold, for which a browser asks."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    page = runs_page(experiment_id) if experiment_id else f"#/experiments?{_TRAINING}"
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}/{page}"
