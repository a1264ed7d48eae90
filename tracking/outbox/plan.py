"""What a stretch of events comes to, run by run: pure, so that it can be checked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tracking import names
from tracking.events import (
    ArtifactLogged,
    DataUsed,
    Described,
    ExperimentTagged,
    MetricsLogged,
    ModelLogged,
    ParamsLogged,
    RunEnded,
    RunStarted,
    TagsSet,
)
from tracking.outbox.outbox import Stored
from tracking.stores import MAX_METRICS, MAX_PARAMS, MAX_TAGS, Point

_MOST = {"metric": MAX_METRICS, "param": MAX_PARAMS, "tag": MAX_TAGS}
_MOST_TOGETHER = 1000


@dataclass(frozen=True)
class Entry:
    """One value on its way, with the event that it came from."""

    seq: int
    kind: Literal["metric", "param", "tag"]
    key: str
    text: str = ""
    point: Point | None = None


@dataclass
class RunWork:
    """All that is to be done for one run, in whatever number of events it was said."""

    run_key: str
    seqs: list[int] = field(default_factory=list)
    started: RunStarted | None = None
    """The first start in this stretch: a run is made from it if there is none yet."""
    last: RunStarted | RunEnded | None = None
    """The last start or end: the state that the run is to be left in."""
    entries: list[Entry] = field(default_factory=list)
    tried: bool = False
    """Whether any of it has stopped a delivery already."""


Whole = DataUsed | Described | ExperimentTagged | ArtifactLogged | ModelLogged


@dataclass(frozen=True)
class WholeWork:
    """What is delivered by itself: an artifact to be copied, a model to be made of bundles, a
    description, the images of a run."""

    seq: int
    event: Whole
    tried: bool


@dataclass(frozen=True)
class Plan:
    """Work by run in order of first mention, all else in order."""

    runs: list[RunWork]
    notes: list[WholeWork]
    """Descriptions, images, tags of experiments."""
    artifacts: list[WholeWork]
    models: list[WholeWork]

    def in_order(self) -> list[RunWork | WholeWork]:
        """What to do first: what has not stopped a delivery yet, and of that runs.

        So neither a run nor an artifact that a store chokes on stands in the way of others, and
        a store of artifacts that is away holds up no figures. Models, which take longest, and
        which not every store has, come last.
        """
        work: list[RunWork | WholeWork] = [*self.runs, *self.notes]
        work += [*self.artifacts, *self.models]
        return sorted(work, key=lambda one: one.tried)


def make_plan(
    events: Iterable[Stored], params_before: Callable[[str, int], Mapping[str, tuple[str, str]]]
) -> Plan:
    """Sort events by run.

    params_before: for a run key and a place in the order, the first and the last values of the
    parameters that the run has by then. A value that differs from the first is a change, and so
    is the first one when it comes back (see `ParamsLogged`).
    """
    runs: dict[str, RunWork] = {}
    notes: list[WholeWork] = []
    artifacts: list[WholeWork] = []
    models: list[WholeWork] = []
    params: dict[str, dict[str, tuple[str, str]]] = {}
    for stored in events:
        seq, event = stored.seq, stored.event
        if isinstance(event, DataUsed | Described | ExperimentTagged):
            notes.append(WholeWork(seq, event, stored.tried))
            continue
        if isinstance(event, ArtifactLogged):
            artifacts.append(WholeWork(seq, event, stored.tried))
            continue
        if isinstance(event, ModelLogged):
            models.append(WholeWork(seq, event, stored.tried))
            continue
        work = runs.setdefault(event.run_key, RunWork(event.run_key))
        work.seqs.append(seq)
        work.tried |= stored.tried
        if isinstance(event, RunStarted):
            work.started = work.started or event
            work.last = event
            work.entries += _tags(seq, event.tags)
        elif isinstance(event, RunEnded):
            work.last = event
        elif isinstance(event, TagsSet):
            work.entries += _tags(seq, event.tags)
        elif isinstance(event, MetricsLogged):
            work.entries += [
                _metric(seq, key, value, event.at, event.step)
                for key, value in event.values.items()
            ]
        else:
            if event.run_key not in params:
                params[event.run_key] = dict(params_before(event.run_key, seq))
            work.entries += _params(seq, event, params[event.run_key])
    return Plan(list(runs.values()), notes, artifacts, models)


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries in as few batches as a store takes; of equal tags the last, of params the first."""
    batch: list[Entry] = []
    counts = dict.fromkeys(_MOST, 0)
    for entry in _without_repeats(entries):
        if counts[entry.kind] == _MOST[entry.kind] or len(batch) == _MOST_TOGETHER:
            yield batch
            batch, counts = [], dict.fromkeys(_MOST, 0)
        batch.append(entry)
        counts[entry.kind] += 1
    if batch:
        yield batch


def _without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    metrics: list[Entry] = []
    tags: dict[str, Entry] = {}
    params: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind == "tag":
            tags[entry.key] = entry
        elif entry.kind == "param":
            params.setdefault(entry.key, entry)
        else:
            metrics.append(entry)
    return [*params.values(), *tags.values(), *metrics]


def _tags(seq: int, tags: Mapping[str, str]) -> list[Entry]:
    return [Entry(seq, "tag", key, value[: names.TAG_LENGTH]) for key, value in tags.items()]


def _metric(seq: int, key: str, value: float, at: int, step: int) -> Entry:
    # Stores turn infinity into 1.8e308, which no chart survives.
    finite = value if math.isfinite(value) else math.nan
    return Entry(seq, "metric", key, point=Point(key, finite, at, step))


def _params(seq: int, event: ParamsLogged, known: dict[str, tuple[str, str]]) -> Iterator[Entry]:
    for key, whole in event.values.items():
        first, last = known.get(key, (whole, whole))
        known[key] = first, whole
        value = whole[: names.PARAM_LENGTH]
        if whole == first == last:
            yield Entry(seq, "param", key, value)
            continue
        yield Entry(seq, "tag", names.changed(key), value[: names.TAG_LENGTH])
        number = _as_number(value)
        if number is not None and event.step is not None:
            yield _metric(seq, names.changed(key), number, event.at, event.step)


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
