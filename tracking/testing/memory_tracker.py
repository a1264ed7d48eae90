"""A tracking store in memory, as strict as MLflow's: for tests, and for trying things out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memgan.errors import BundleError
from tracking import names
from tracking.events import DataFacts, Status
from tracking.models import check_bundles
from tracking.stores import (
    MAX_METRICS,
    MAX_PARAMS,
    MAX_TAGS,
    Gone,
    ModelView,
    Point,
    Refused,
    RunView,
)


@dataclass
class _Run:
    experiment_id: str
    name: str
    start: int
    tags: dict[str, str]
    status: str = "RUNNING"
    end: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    models: list[ModelView] = field(default_factory=list)
    data: dict[tuple[str, str], DataFacts] = field(default_factory=dict)


class MemoryTracker:
    """Holds experiments and runs in dictionaries. `calls` counts the requests to it by name."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self._experiments: dict[str, str] = {}
        self._experiment_tags: dict[str, dict[str, str]] = {}
        self._runs: dict[str, _Run] = {}
        self._ids = itertools.count(1)

    def find_experiment(self, name: str) -> str | None:
        self._count("find_experiment")
        return self._experiments.get(name)

    def is_deleted(self, name: str) -> bool:
        self._count("is_deleted")
        return False

    def create_experiment(self, name: str) -> str:
        self._count("create_experiment")
        return self._experiments.setdefault(name, str(next(self._ids)))

    def experiment_tags(self, experiment_id: str) -> Mapping[str, str]:
        self._count("experiment_tags")
        return dict(self._tags_of(experiment_id))

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        self._count("tag_experiment")
        _check_keys(tags)
        self._tags_of(experiment_id).update(tags)

    def _tags_of(self, experiment_id: str) -> dict[str, str]:
        if experiment_id not in self._experiments.values():
            raise Gone(f"no experiment {experiment_id!r}")
        return self._experiment_tags.setdefault(experiment_id, {})

    def find_runs(self, experiment_id: str, run_key: str) -> list[str]:
        self._count("find_runs")
        return [
            run_id
            for run_id, run in self._runs.items()
            if run.experiment_id == experiment_id and run.tags.get(names.RUN_KEY) == run_key
        ]

    def experiments(self) -> list[str]:
        self._count("experiments")
        return sorted(self._experiments)

    def runs(self, experiment_id: str, tags: Mapping[str, str]) -> list[RunView]:
        self._count("runs")
        found = [
            self._view(run_id)
            for run_id, run in self._runs.items()
            if run.experiment_id == experiment_id and tags.items() <= run.tags.items()
        ]
        return sorted(found, key=lambda view: view.start)

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> str:
        self._count("create_run")
        if experiment_id not in self._experiments.values():
            raise Gone(f"no experiment {experiment_id!r}")
        _check_keys(tags)
        run_id = f"run{next(self._ids)}"
        self._runs[run_id] = _Run(experiment_id, name, start, dict(tags))
        return run_id

    def delete_run(self, run_id: str) -> None:
        self._count("delete_run")
        self._run(run_id)
        del self._runs[run_id]

    def reopen(self, run_id: str) -> None:
        self._count("reopen")
        run = self._run(run_id)
        run.status, run.end = "RUNNING", None

    def end(self, run_id: str, status: Status, at: int) -> None:
        self._count("end")
        run = self._run(run_id)
        run.status, run.end = status, at

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        self._count("log_batch")
        run = self._run(run_id)
        if len(metrics) > MAX_METRICS or len(params) > MAX_PARAMS or len(tags) > MAX_TAGS:
            raise Refused("too much for one batch")
        _check_keys([*(point.key for point in metrics), *params, *tags])
        for key, value in params.items():
            if run.params.get(key, value) != value:
                raise Refused(f"parameter {key!r} is already {run.params[key]!r}")
        run.params.update(params)
        run.tags.update(tags)
        known = {_identity(point) for point in run.points}
        for point in metrics:
            if _identity(point) not in known:
                known.add(_identity(point))
                run.points.append(point)

    def log_data(self, run_id: str, data: DataFacts) -> None:
        self._count("log_data")
        self._run(run_id).data.setdefault((data.name, data.digest), data)

    def data(self, run_id: str) -> list[DataFacts]:
        self._count("data")
        return list(self._run(run_id).data.values())

    def log_artifact(self, run_id: str, path: Path, folder: str | None) -> None:
        self._count("log_artifact")
        run = self._run(run_id)
        top = f"{folder}/" if folder else ""
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                if inner.is_file():
                    run.files[f"{top}{inner.relative_to(path.parent)}"] = inner.read_bytes()
        else:
            run.files[f"{top}{path.name}"] = path.read_bytes()

    def log_model(
        self, run_id: str, name: str, bundles: Mapping[str, Path], tags: Mapping[str, str]
    ) -> str:
        self._count("log_model")
        run = self._run(run_id)
        for model in run.models:
            if model.tags[names.MODEL_KEY] == tags[names.MODEL_KEY]:
                return model.model_id
        try:
            check_bundles(bundles)
        except BundleError as error:
            raise Refused(str(error)) from None
        run.models.append(ModelView(f"model{next(self._ids)}", name, dict(tags)))
        return run.models[-1].model_id

    def models(self, run_id: str) -> list[ModelView]:
        self._count("models")
        return list(self._run(run_id).models)

    def get_run(self, run_id: str) -> RunView:
        self._count("get_run")
        return self._view(run_id)

    def _view(self, run_id: str) -> RunView:
        run = self._run(run_id)
        last = {point.key: point.value for point in sorted(run.points, key=_by_step)}
        return RunView(run_id, run.name, run.status, run.start, run.end, run.params, run.tags, last)

    def history(self, run_id: str, key: str) -> list[Point]:
        self._count("history")
        points = (point for point in self._run(run_id).points if point.key == key)
        return sorted(points, key=_by_step)

    def artifacts(self, run_id: str) -> list[str]:
        self._count("artifacts")
        return sorted(self._run(run_id).files)

    def read_artifact(self, run_id: str, path: str) -> bytes | None:
        self._count("read_artifact")
        return self._run(run_id).files.get(path)

    def _run(self, run_id: str) -> _Run:
        if run_id not in self._runs:
            raise Gone(f"no run {run_id!r}")
        return self._runs[run_id]

    def _count(self, call: str) -> None:
        self.calls[call] = self.calls.get(call, 0) + 1


def _check_keys(keys: Mapping[str, str] | Sequence[str]) -> None:
    for key in keys:
        if not names.is_valid_key(key):
            raise Refused(f"invalid name {key!r}")


def _identity(point: Point) -> tuple[str, int, int, str]:
    return point.key, point.step, point.at, "nan" if math.isnan(point.value) else repr(point.value)


def _by_step(point: Point) -> tuple[int, int]:
    return point.step, point.at
