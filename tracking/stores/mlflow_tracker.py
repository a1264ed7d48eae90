"""The tracking store that is MLflow: a SQLite file, another database, or a server.

Everything goes through one `MlflowClient`; the active run, the global tracking address and the
rest of MLflow's fluent state are never touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException

from memgan.errors import CannotLock
from memgan.files import wait_for_lock
from tracking import names
from tracking.address import for_mlflow, one_line, sqlite_file
from tracking.events import DataFacts, Status
from tracking.stores.fresh_store import lock_file
from tracking.stores.mlflow_data import from_mlflow, to_mlflow
from tracking.stores.mlflow_faults import kept_since, translated
from tracking.stores.mlflow_models import LoggedModels
from tracking.stores.moved_store import follow_move
from tracking.stores.tracker import ModelView, Point, RunView, Unavailable


class MlflowTracker:
    """A `Tracker` on MLflow.

    uri: an http(s) server or a database. artifact_root: where the artifacts of new experiments
    go, as a URI; None leaves it to the store. A missing SQLite file is made (some ten seconds).
    Raises Unavailable if the store cannot be opened.
    """

    def __init__(self, uri: str, artifact_root: str | None = None) -> None:
        self._artifact_root = artifact_root
        with _opened_by_one(uri), translated():
            follow_move(uri, artifact_root)
            self._client = MlflowClient(tracking_uri=for_mlflow(uri), registry_uri=for_mlflow(uri))
        self._models = LoggedModels(self._client)

    def find_experiment(self, name: str) -> str | None:
        with translated():
            found = self._client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage != "active":
            return None
        return str(found.experiment_id)

    def is_deleted(self, name: str) -> bool:
        """Whether an experiment of this name was deleted, and would be restored with its runs."""
        with translated():
            found = self._client.get_experiment_by_name(name)
        return found is not None and found.lifecycle_stage != "active"

    def create_experiment(self, name: str) -> str:
        with translated():
            found = self._client.get_experiment_by_name(name)
            if found is None:
                try:
                    location = f"{self._artifact_root}/{quote(names.safe(name))}"
                    return str(
                        self._client.create_experiment(
                            name,
                            artifact_location=location if self._artifact_root else None,
                            tags={names.EXPERIMENT_KIND: names.MODEL_TRAINING},
                        )
                    )
                except MlflowException as error:
                    # Another writer was faster.
                    if error.error_code != "RESOURCE_ALREADY_EXISTS":
                        raise
                    found = self._client.get_experiment_by_name(name)
            # A deleted experiment keeps its name, so that no new one can have it.
            if found.lifecycle_stage != "active":
                self._client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)

    def experiment_tags(self, experiment_id: str) -> Mapping[str, str]:
        with translated():
            return dict(self._client.get_experiment(experiment_id).tags)

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        with translated():
            for key, value in tags.items():
                self._client.set_experiment_tag(experiment_id, key, value)

    def find_runs(self, experiment_id: str, run_key: str) -> list[str]:
        with translated():
            runs = self._client.search_runs(
                [experiment_id],
                filter_string=f"tags.`{names.RUN_KEY}` = '{run_key}'",
                run_view_type=ViewType.ACTIVE_ONLY,
                order_by=["attributes.start_time ASC"],
                max_results=10,
            )
        return [str(run.info.run_id) for run in runs]

    def experiments(self) -> list[str]:
        with translated():
            found = _all(lambda token: self._client.search_experiments(page_token=token))
            return sorted(str(experiment.name) for experiment in found)

    def runs(self, experiment_id: str, tags: Mapping[str, str]) -> list[RunView]:
        condition = " AND ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        with translated():
            found = _all(
                lambda token: self._client.search_runs(
                    [experiment_id],
                    filter_string=condition,
                    order_by=["attributes.start_time ASC"],
                    page_token=token,
                )
            )
            return [_view(run) for run in found]

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> str:
        with translated():
            run = self._client.create_run(
                experiment_id, start_time=start, tags=dict(tags), run_name=name
            )
        return str(run.info.run_id)

    def delete_run(self, run_id: str) -> None:
        with translated():
            self._client.delete_run(run_id)

    def reopen(self, run_id: str) -> None:
        # No end time: MLflow counts 0 as none, and its own client would keep the old one.
        self._set_state(run_id, "RUNNING", 0)

    def end(self, run_id: str, status: Status, at: int) -> None:
        self._set_state(run_id, status, at)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        with translated():
            self._client.log_batch(
                run_id,
                metrics=[Metric(p.key, p.value, p.at, p.step) for p in metrics],
                params=[Param(key, value) for key, value in params.items()],
                tags=[RunTag(key, value) for key, value in tags.items()],
            )

    def log_data(self, run_id: str, data: DataFacts) -> None:
        with translated(), kept_since("2.4", "data sets of runs"):
            self._client.log_inputs(run_id, [to_mlflow(data)])

    def data(self, run_id: str) -> list[DataFacts]:
        with translated():
            inputs = self._client.get_run(run_id).inputs
        return [from_mlflow(one) for one in inputs.dataset_inputs]

    def log_artifact(self, run_id: str, path: Path, folder: str | None) -> None:
        with translated():
            if path.is_dir():
                inside = f"{folder}/{path.name}" if folder else path.name
                self._client.log_artifacts(run_id, str(path), inside)
            else:
                self._client.log_artifact(run_id, str(path), folder)

    def log_model(
        self, run_id: str, name: str, bundles: Mapping[str, Path], tags: Mapping[str, str]
    ) -> str:
        with translated():
            return self._models.log(run_id, name, bundles, tags)

    def models(self, run_id: str) -> list[ModelView]:
        with translated():
            return self._models.whole(run_id)

    def get_run(self, run_id: str) -> RunView:
        with translated():
            run = self._client.get_run(run_id)
        return _view(run)

    def history(self, run_id: str, key: str) -> list[Point]:
        with translated():
            found = self._client.get_metric_history(run_id, key)
        points = [Point(m.key, m.value, m.timestamp, m.step) for m in found]
        return sorted(points, key=lambda point: (point.step, point.at))

    def artifacts(self, run_id: str) -> list[str]:
        with translated():
            return sorted(self._files(run_id, None))

    def read_artifact(self, run_id: str, path: str) -> bytes | None:
        with translated():
            known = self._client.list_artifacts(run_id, str(PurePosixPath(path).parent))
            if path not in {entry.path for entry in known}:
                return None
            with TemporaryDirectory() as folder, _without_progress_bar():
                return Path(self._client.download_artifacts(run_id, path, folder)).read_bytes()

    def _set_state(self, run_id: str, status: str, end: int) -> None:
        # The client's own methods ask for the run first, which is one more call, and can take no
        # end time away.
        store = self._client._tracking_client.store
        with translated():
            store.update_run_info(run_id, RunStatus.from_string(status), end, None)

    def _files(self, run_id: str, folder: str | None) -> Iterator[str]:
        for entry in self._client.list_artifacts(run_id, folder):
            if entry.is_dir:
                yield from self._files(run_id, entry.path)
            else:
                yield entry.path


def _view(run: Any) -> RunView:
    return RunView(
        run_id=run.info.run_id,
        name=run.info.run_name,
        status=run.info.status,
        start=run.info.start_time,
        end=run.info.end_time or None,
        params=dict(run.data.params),
        tags=dict(run.data.tags),
        metrics=dict(run.data.metrics),
    )


def _all(page_of: Callable[[str | None], Any]) -> Iterator[Any]:
    """What a search finds, page after page."""
    token: str | None = None
    while page := page_of(token):
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def _without_progress_bar() -> Iterator[None]:
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR as SHOWN

    before = SHOWN.get_raw()
    SHOWN.set(False)
    try:
        yield
    finally:
        SHOWN.unset() if before is None else SHOWN.set(before)


@contextmanager
def _opened_by_one(uri: str) -> Iterator[None]:
    """Two processes that make the same SQLite store at once get in each other's way."""
    path = sqlite_file(uri)
    if path is None or (path.is_file() and not os.access(path.parent, os.W_OK)):
        yield  # Where nothing can be written there is nothing to be made, only to be read.
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of this name may be somebody else's: its content stays.
        lock = lock_file(path).open("ab")
    except OSError as error:
        raise Unavailable(one_line(error)) from error
    with lock:
        try:
            wait_for_lock(lock.fileno(), path)
        except CannotLock as error:
            raise Unavailable(str(error)) from None
        yield
