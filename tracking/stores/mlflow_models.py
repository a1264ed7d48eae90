"""Logged models of MLflow runs, each made once however often it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Run
from mlflow.models import Model

from tracking import names
from tracking.models import check_bundles, make_servable
from tracking.stores.mlflow_faults import kept_since
from tracking.stores.tracker import ModelView


class LoggedModels:
    """The models of one store. Methods raise what the client raises, and BadInput for bundles."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def log(
        self, run_id: str, name: str, bundles: Mapping[str, Path], tags: Mapping[str, str]
    ) -> str:
        """As `Tracker.log_model`."""
        run = self._client.get_run(run_id)
        found = self._find(run, tags[names.MODEL_KEY])
        if not found:
            check_bundles(bundles)
            made = self._client.create_logged_model(
                run.info.experiment_id, name, source_run_id=run_id, tags=dict(tags)
            )
            # A request whose answer was lost may have been carried out meanwhile.
            found = self._find(run, tags[names.MODEL_KEY]) or [made]
        for duplicate in found[1:]:
            self._client.delete_logged_model(duplicate.model_id)
        if found[0].status != LoggedModelStatus.READY:
            self._fill(run, found[0], bundles)
        return str(found[0].model_id)

    def whole(self, run_id: str) -> list[ModelView]:
        """As `Tracker.models`."""
        return [
            ModelView(model.model_id, model.name, dict(model.tags))
            for model in self._find(self._client.get_run(run_id))
            if model.status == LoggedModelStatus.READY
        ]

    def _fill(self, run: Run, model: LoggedModel, bundles: Mapping[str, Path]) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            known = Model(
                artifact_path=model.artifact_location,
                run_id=run.info.run_id,
                model_uuid=model.model_id,
                model_id=model.model_id,
            )
            make_servable(bundles, path, known)
            self._client.log_model_artifacts(model.model_id, str(path))
        if model.model_id not in {output.model_id for output in run.outputs.model_outputs}:
            self._client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
        self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)

    def _find(self, run: Run, key: str | None = None) -> list[LoggedModel]:
        """The run's models, whole or not, oldest first; only those of one key."""
        condition = f"source_run_id = '{run.info.run_id}'"
        if key is not None:
            condition += f" AND tags.`{names.MODEL_KEY}` = '{key}'"
        with kept_since("3", "logged models"):
            return list(
                self._client.search_logged_models(
                    [run.info.experiment_id],
                    filter_string=condition,
                    order_by=[{"field_name": "creation_timestamp", "ascending": True}],
                )
            )
