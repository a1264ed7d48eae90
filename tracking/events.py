"""What happens to runs, as frozen events.

Each event carries the moment it happened, so that delivering it twice writes the same thing.
"""

from __future__ import annotations

import time
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from memgan.config import Frozen

Status = Literal["FINISHED", "FAILED", "KILLED"]


class DataFacts(Frozen):
    """A study's images."""

    name: str
    """Of their source."""
    digest: str
    """Of the split: equal ones have the same images in the same parts."""
    sizes: dict[str, int]
    """Images by part: train, validation, test."""
    image_shape: tuple[int, ...] = ()
    """(C, H, W)"""
    parts: tuple[str, ...] = ()
    """Those of `sizes` that a run works on."""


def now_ms() -> int:
    """Milliseconds since 1970, as MLflow counts time."""
    return time.time_ns() // 1_000_000


class _Happened(Frozen):
    # JSON has no NaN of its own; without this a NaN would come back as None.
    model_config = ConfigDict(ser_json_inf_nan="constants")

    run_key: str
    at: int = Field(default_factory=now_ms)
    """Milliseconds since 1970."""


class RunStarted(_Happened):
    """A run begins, or goes on after it had ended."""

    kind: Literal["run_started"] = "run_started"
    name: str
    parent_key: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class ParamsLogged(_Happened):
    """Values of a configuration. A later, different value of a known key is a change.

    The first value stays the run's parameter; a change becomes a tag and, where it is a number
    and `step` is given, a metric.
    """

    kind: Literal["params_logged"] = "params_logged"
    values: dict[str, str]
    step: int | None = None


class MetricsLogged(_Happened):
    """Figures at one step. NaN is allowed; infinity is written as NaN."""

    kind: Literal["metrics_logged"] = "metrics_logged"
    values: dict[str, float]
    step: int = 0


class TagsSet(_Happened):
    """Tags that are new or changed."""

    kind: Literal["tags_set"] = "tags_set"
    tags: dict[str, str]


class ArtifactLogged(_Happened):
    """A file or a folder to be copied to the run; it must stay where it is until delivered."""

    kind: Literal["artifact_logged"] = "artifact_logged"
    path: str
    """Absolute, or from the outbox's folder on."""
    folder: str | None = None
    """Where among the run's artifacts, or None for their top."""


class ModelLogged(_Happened):
    """Bundles become one logged model of the run; they must stay where they are until then."""

    kind: Literal["model_logged"] = "model_logged"
    name: str
    bundles: dict[str, str]
    """Folders by normal class, the first the model's default; absolute, or from the outbox's
    folder on."""
    tags: dict[str, str]
    """With `names.MODEL_KEY`: a run has one model of each key."""


class DataUsed(_Happened):
    """The run works on these images."""

    kind: Literal["data_used"] = "data_used"
    data: DataFacts


class Described(_Happened):
    """What a reader should know, in Markdown; a text that somebody has changed since stays.

    A link to `artifact:PATH` leads to that artifact of the run in the MLflow UI.
    """

    kind: Literal["described"] = "described"
    text: str
    whole_study: bool = False
    """Describes the run's experiment, not the run itself."""


class ExperimentTagged(_Happened):
    """Tags of the run's experiment that are new or changed."""

    kind: Literal["experiment_tagged"] = "experiment_tagged"
    tags: dict[str, str]


class RunEnded(_Happened):
    """A run is over, until it is started again."""

    kind: Literal["run_ended"] = "run_ended"
    status: Status


Event = Annotated[
    RunStarted
    | ParamsLogged
    | MetricsLogged
    | TagsSet
    | DataUsed
    | Described
    | ExperimentTagged
    | ArtifactLogged
    | ModelLogged
    | RunEnded,
    Field(discriminator="kind"),
]

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def to_json(event: Event) -> str:
    """One line of JSON that `from_json` reads back to an equal event."""
    return event.model_dump_json()


def from_json(text: str) -> Event:
    """The event that `to_json` wrote."""
    return _EVENT.validate_json(text)
