"""The registry that is MLflow's, on the same store as the record."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tracking import names
from tracking.address import for_mlflow
from tracking.stores.mlflow_faults import translated
from tracking.values import may_describe, note_digest


class MlflowRegistry:
    """Versions of registered models and their aliases, through one `MlflowClient`.

    Every method raises Refused for what will never be taken, Unavailable for now.
    """

    def __init__(self, uri: str) -> None:
        with translated():
            self._client = MlflowClient(tracking_uri=for_mlflow(uri), registry_uri=for_mlflow(uri))

    def versions(self, name: str) -> dict[int, dict[str, str]]:
        """Tags by version, oldest first; empty where there is no such model."""
        with translated():
            found = self._client.search_model_versions(f"name = '{name}'", max_results=1000)
        return {
            int(version.version): dict(version.tags)
            for version in sorted(found, key=lambda version: int(version.version))
        }

    def add_version(self, name: str, model_id: str, run_id: str, tags: Mapping[str, str]) -> int:
        """A logged model of a run as a new version; the registered model is made if need be."""
        with translated():
            try:
                self._client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            model = self._client.get_logged_model(model_id)
            # Not as models:/ID, which MLflow would look for at its global tracking address.
            with _without_notes():
                made = self._client.create_model_version(
                    name, model.artifact_location, run_id=run_id, tags=dict(tags), model_id=model_id
                )
            self._link(model_id, name, int(made.version))
        return int(made.version)

    def describe(self, name: str, text: str) -> None:
        """Describe the registered model in Markdown; what somebody has changed stays."""
        with translated():
            model = self._client.get_registered_model(name)
            if may_describe(model.description, text, model.tags):
                self._client.update_registered_model(name, text)
                self._client.set_registered_model_tag(name, names.OWN_NOTE, note_digest(text))

    def describe_version(self, name: str, version: int, text: str) -> None:
        """Describe a version in Markdown; what somebody has changed stays."""
        with translated():
            found = self._client.get_model_version(name, str(version))
            if may_describe(found.description, text, found.tags):
                self._client.update_model_version(name, str(version), text)
                mine = names.OWN_NOTE, note_digest(text)
                self._client.set_model_version_tag(name, str(version), *mine)

    def _link(self, model_id: str, name: str, version: int) -> None:
        """Have the UI show the version beside the logged model, as a server does by itself."""
        known = self._client.get_logged_model(model_id).tags.get(names.MODEL_VERSIONS)
        linked = json.loads(known) if known else []
        if not any(one["name"] == name and int(one["version"]) == version for one in linked):
            linked.append({"name": name, "version": version})
            tags = {names.MODEL_VERSIONS: json.dumps(linked)}
            self._client.set_logged_model_tags(model_id, tags)

    def alias(self, name: str, alias: str) -> int | None:
        """The version that has an alias, or None."""
        with translated():
            version = self._client.get_registered_model(name).aliases.get(alias)
        return None if version is None else int(version)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """The version has the alias from now on, and no other has."""
        with translated():
            self._client.set_registered_model_alias(name, alias, str(version))


@contextmanager
def _without_notes() -> Iterator[None]:
    """MLflow notes that it waits up to 300 seconds, which it hardly ever does."""
    log = logging.getLogger("mlflow.store.model_registry.abstract_store")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
