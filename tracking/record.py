"""A study's record, from the driver's side: says what happened, and never gets in the way."""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec

from memgan.config import Frozen
from tracking import names
from tracking.events import (
    ArtifactLogged,
    Event,
    MetricsLogged,
    ParamsLogged,
    RunEnded,
    RunStarted,
    Status,
    TagsSet,
    to_json,
)
from tracking.location import one_line
from tracking.outbox import EXPERIMENT_ID, Outbox
from tracking.values import auroc_metrics, mean_metric, texts, user

P = ParamSpec("P")

_NOTHING: Mapping[str, float] = MappingProxyType({})
_MOST_FAULTS = 100


class StudyFacts(Frozen):
    """What is true of a whole study; becomes tags of every run."""

    study_id: str
    """Unique for ever; the name alone may be used again after a study was deleted."""
    name: str
    dataset: str
    detector: str
    protocol: str
    split_hash: str
    git_commit: str | None = None


def _never_raises(
    method: Callable[Concatenate[Record, P], None],
) -> Callable[Concatenate[Record, P], None]:
    @functools.wraps(method)
    def wrapped(self: Record, /, *arguments: P.args, **named: P.kwargs) -> None:
        try:
            method(self, *arguments, **named)
        except Exception as error:
            self._remember(f"{method.__name__}: {one_line(error)}")

    return wrapped


class Record:
    """Appends what happens in a study to its outbox.

    No method that tells of something raises or waits long: what goes wrong is kept in `faults`,
    and events that a full disk did not take are kept in memory and tried again with the next
    one. AUROC is from 0 to 1; metrics that are None are left out, infinite ones become NaN. May
    be pickled; events kept in memory stay behind.
    """

    def __init__(self, outbox: Outbox, facts: StudyFacts) -> None:
        self._outbox = outbox
        self._facts = facts
        self._kept: list[Event] = []
        self._faults: list[str] = []
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[type[Record], tuple[Outbox, StudyFacts]]:
        return Record, (self._outbox, self._facts)

    @property
    def faults(self) -> tuple[str, ...]:
        """What could not be recorded, or only later, each in one line without repeats."""
        return tuple(self._faults)

    @property
    def study_key(self) -> str:
        """The run key of the study's own run."""
        return names.study_key(self._facts.study_id)

    def trial_key(self, trial_id: str) -> str:
        """The run key of a trial."""
        return names.trial_key(self._facts.study_id, trial_id)

    def final_key(self, trial_id: str, seed: int) -> str:
        """The run key of a final: the winning trial and the seed it was trained anew with."""
        return names.final_key(self._facts.study_id, trial_id, seed)

    @_never_raises
    def study_started(self, params: Mapping[str, Any]) -> None:
        """The study begins, or goes on."""
        self._start(self.study_key, self._facts.name, "study", params, parent=None)

    @_never_raises
    def study_best(self, val_auroc: Mapping[str, float], step: int) -> None:
        """The best so far, by class name and, under "mean", of all; step: finished trials.

        No mean is added here: of a search by class, the best of one class is all that is known.
        """
        self._metrics(
            self.study_key, step, {names.val_auroc(name): v for name, v in val_auroc.items()}
        )

    @_never_raises
    def study_tested(self, test_auroc: Mapping[str, tuple[float, float]], mean: float) -> None:
        """What the finals gave: mean and standard deviation over seeds by class, and the mean."""
        values = {names.test_auroc(names.MEAN): mean}
        for name, (average, deviation) in test_auroc.items():
            values[names.test_auroc(name)] = average
            values[names.test_auroc_sd(name)] = deviation
        self._metrics(self.study_key, 0, values)

    @_never_raises
    def study_ended(self, status: Status) -> None:
        """The study is over or interrupted; runs that nobody ended are KILLED with it."""
        self._flush()
        abandoned = [key for key in self._outbox.open_runs() if key != self.study_key]
        self._append(
            *(RunEnded(run_key=key, status="KILLED") for key in abandoned),
            RunEnded(run_key=self.study_key, status=status),
        )

    @_never_raises
    def trial_started(
        self, trial_id: str, params: Mapping[str, Any], normal_class: str = "all"
    ) -> None:
        """A trial begins, or goes on after a pause or a crash."""
        self._start(
            self.trial_key(trial_id),
            names.trial_name(trial_id),
            "trial",
            params,
            tags={names.TRIAL_ID: trial_id, names.NORMAL_CLASS: normal_class},
        )

    @_never_raises
    def trial_changed(self, trial_id: str, epoch: int, params: Mapping[str, Any]) -> None:
        """From this epoch on a running trial has other values (population-based training)."""
        self._append(
            ParamsLogged(run_key=self.trial_key(trial_id), values=texts(params), step=epoch)
        )

    @_never_raises
    def trial_epoch(
        self,
        trial_id: str,
        epoch: int,
        val_auroc: Mapping[str, float],
        losses: Mapping[str, float],
        seconds: float,
        images_per_second: float,
        peak_memory_mb: float,
    ) -> None:
        """One epoch of all classes of a trial; the mean of AUROC is added where it is absent."""
        values: dict[str, float | None] = {
            **auroc_metrics(val_auroc),
            **{names.loss(name): value for name, value in losses.items()},
            names.SECONDS: seconds,
            names.IMAGES_PER_SECOND: images_per_second,
            names.PEAK_MEMORY: peak_memory_mb,
        }
        self._metrics(self.trial_key(trial_id), epoch, values)

    @_never_raises
    def trial_measured(self, trial_id: str, epoch: int, values: Mapping[str, float]) -> None:
        """Other objectives of a trial, measured once after this epoch, by their names."""
        self.metrics(self.trial_key(trial_id), values, epoch)

    @_never_raises
    def trial_ended(
        self,
        trial_id: str,
        status: str,
        error: str | None = None,
        stopped_by: str | None = None,
    ) -> None:
        """FINISHED; FAILED with the error's line; or KILLED, with who stopped it early."""
        self._end(
            self.trial_key(trial_id), status, {names.ERROR: error, names.STOPPED_BY: stopped_by}
        )

    @_never_raises
    def final_started(
        self, trial_id: str, seed: int, params: Mapping[str, Any], normal_class: str = "all"
    ) -> None:
        """A winner is trained anew with one seed."""
        self._start(
            self.final_key(trial_id, seed),
            names.final_name(normal_class, seed),
            "final",
            params,
            tags={
                names.TRIAL_ID: trial_id,
                names.NORMAL_CLASS: normal_class,
                names.SEED: str(seed),
            },
        )

    @_never_raises
    def final_ended(
        self,
        trial_id: str,
        seed: int,
        test_auroc: Mapping[str, float],
        extra: Mapping[str, float] = _NOTHING,
        status: Status = "FINISHED",
        error: str | None = None,
    ) -> None:
        """A final is over; extra: other figures, by metric names such as "false_positives/3"."""
        key = self.final_key(trial_id, seed)
        values: dict[str, float | None] = {
            names.test_auroc(name): value for name, value in test_auroc.items()
        }
        values.update(mean_metric(names.test_auroc(names.MEAN), test_auroc))
        values.update({names.safe_path(name): value for name, value in extra.items()})
        self._metrics(key, 0, values)
        self._end(key, status, {names.ERROR: error})

    @_never_raises
    def final_superseded(self, trial_id: str, seed: int) -> None:
        """Another trial has become the winner; this final stays, marked."""
        self._append(
            TagsSet(run_key=self.final_key(trial_id, seed), tags={names.SUPERSEDED: "true"})
        )

    @_never_raises
    def artifact(self, run_key: str, path: Path, folder: str | None = None) -> None:
        """A file or a folder belongs to a run. It must stay where it is until delivered."""
        self._append(
            ArtifactLogged(run_key=run_key, path=str(Path(path).absolute()), folder=folder)
        )

    @_never_raises
    def metrics(self, run_key: str, values: Mapping[str, float], step: int = 0) -> None:
        """Other figures of a run, by metric names."""
        self._metrics(run_key, step, {names.safe_path(name): v for name, v in values.items()})

    def run_id(self, run_key: str) -> str | None:
        """The store's id of a run, once its start was delivered; None before, or on a fault."""
        try:
            return self._outbox.run_id(run_key)
        except sqlite3.Error as error:
            self._remember(one_line(error))
            return None

    def experiment_id(self) -> str | None:
        """The store's id of the study's experiment, once anything was delivered."""
        try:
            return self._outbox.fact(EXPERIMENT_ID)
        except sqlite3.Error as error:
            self._remember(one_line(error))
            return None

    def _start(
        self,
        run_key: str,
        name: str,
        kind: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str] = MappingProxyType({}),
        parent: str | None = "study",
    ) -> None:
        started = RunStarted(
            run_key=run_key,
            name=name,
            parent_key=self.study_key if parent else None,
            tags={**self._common_tags(), names.KIND: kind, **tags},
        )
        self._append(started, ParamsLogged(run_key=run_key, values=texts(params)))

    def _common_tags(self) -> dict[str, str]:
        facts = self._facts
        tags = {
            names.STUDY: facts.name,
            names.STUDY_ID: facts.study_id,
            names.DATASET: facts.dataset,
            names.DETECTOR: facts.detector,
            names.PROTOCOL: facts.protocol,
            names.SPLIT_HASH: facts.split_hash,
            names.USER: user(),
        }
        if facts.git_commit:
            tags |= {names.GIT_COMMIT: facts.git_commit, names.SOURCE_COMMIT: facts.git_commit}
        return tags

    def _end(self, run_key: str, status: str, tags: Mapping[str, str | None]) -> None:
        said = {key: " ".join(text.split())[:500] for key, text in tags.items() if text}
        events: list[Event] = [TagsSet(run_key=run_key, tags=said)] if said else []
        ended = RunEnded.model_validate({"run_key": run_key, "status": status})
        self._append(*events, ended)

    def _metrics(self, run_key: str, step: int, values: Mapping[str, float | None]) -> None:
        kept = {key: float(value) for key, value in values.items() if value is not None}
        if kept:
            self._append(MetricsLogged(run_key=run_key, values=kept, step=step))

    def _append(self, *events: Event) -> None:
        for event in events:
            # One that cannot be written at all must not stand in the way of the next ones.
            to_json(event)
        with self._lock:
            self._kept += events
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            if self._kept:
                self._outbox.append(self._kept)
                self._kept.clear()

    def _remember(self, fault: str) -> None:
        if fault not in self._faults and len(self._faults) < _MOST_FAULTS:
            self._faults.append(fault)
