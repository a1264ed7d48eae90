"""What a tracking store must be able to do for the record. MLflow's is one, memory another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from memgan.errors import MemganError
from tracking.events import DataFacts, Status

MAX_METRICS = 1000
MAX_PARAMS = 100
MAX_TAGS = 100
"""How much one `log_batch` takes."""


class Refused(MemganError):
    """The store will never take this, however often it is asked. Mend the value or drop it."""


class Gone(Refused):
    """The run or the experiment was deleted, or never was: nothing can be written to it."""


class Unavailable(MemganError):
    """The store did not answer, or not now. Ask again later."""


@dataclass(frozen=True)
class Point:
    """One value of one metric. at: milliseconds since 1970."""

    key: str
    value: float
    at: int
    step: int


@dataclass(frozen=True)
class RunView:
    """A run as the store has it. metrics: the last value of each; times: milliseconds."""

    run_id: str
    name: str
    status: str
    start: int
    end: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class ModelView:
    """A logged model of a run, whole."""

    model_id: str
    name: str
    tags: Mapping[str, str]


class RecordReader(Protocol):
    """What a comparison asks of a store. Every method raises as those of `Tracker`."""

    def find_experiment(self, name: str) -> str | None:
        """The id of an experiment, or None where there is none of this name."""

    def experiments(self) -> list[str]:
        """The names of all experiments, sorted."""

    def runs(self, experiment_id: str, tags: Mapping[str, str]) -> list[RunView]:
        """All runs with these tags, oldest first."""

    def read_artifact(self, run_id: str, path: str) -> bytes | None:
        """The content of one file among the run's artifacts, or None where there is none."""


class Tracker(RecordReader, Protocol):
    """Every method raises Refused for what will never be taken, Unavailable for now.

    Writing to a run or an experiment that is not there raises Gone, which is a refusal.
    """

    def is_deleted(self, name: str) -> bool:
        """Whether an experiment of this name was deleted, and `create_experiment` would bring it
        back with its runs. A store that forgets what is deleted says False."""

    def create_experiment(self, name: str) -> str:
        """The id of the experiment of this name, which is made, or brought back, if need be."""

    def experiment_tags(self, experiment_id: str) -> Mapping[str, str]:
        """The tags of an experiment."""

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Write tags of an experiment; a known one takes its new value."""

    def find_runs(self, experiment_id: str, run_key: str) -> list[str]:
        """The ids of the runs with this `names.RUN_KEY`, oldest first."""

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> str:
        """A new run that is RUNNING. start: milliseconds since 1970."""

    def delete_run(self, run_id: str) -> None:
        """Take away a run that was made twice."""

    def reopen(self, run_id: str) -> None:
        """RUNNING again, without an end time until `end`."""

    def end(self, run_id: str, status: Status, at: int) -> None:
        """The run is over. at: milliseconds since 1970; replaces an earlier end."""

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        """Write values, at most `MAX_METRICS`, `MAX_PARAMS`, `MAX_TAGS`, 1000 in all.

        Writing the same again changes nothing; another value for a known parameter is refused.
        """

    def log_data(self, run_id: str, data: DataFacts) -> None:
        """The run works on these images. Writing the same again changes nothing."""

    def data(self, run_id: str) -> list[DataFacts]:
        """The images that the run works on."""

    def log_artifact(self, run_id: str, path: Path, folder: str | None) -> None:
        """Copy a file, or a folder with all in it, to the run; replaces what has its name."""

    def log_model(
        self, run_id: str, name: str, bundles: Mapping[str, Path], tags: Mapping[str, str]
    ) -> str:
        """The id of the run's model with the `names.MODEL_KEY` of `tags`.

        It is made of the bundles, folders by normal class, if there is none that is whole.
        """

    def models(self, run_id: str) -> list[ModelView]:
        """The models of a run that are whole, oldest first."""

    def get_run(self, run_id: str) -> RunView:
        """The run as it now is."""

    def history(self, run_id: str, key: str) -> list[Point]:
        """All values of one metric, by step and time."""

    def artifacts(self, run_id: str) -> list[str]:
        """The paths of all files among the run's artifacts, sorted."""
