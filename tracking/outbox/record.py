"""A study's record, from the driver's side: says what happened, and never gets in the way."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec

from tracking import names
from tracking.address import one_line
from tracking.events import (
    ArtifactLogged,
    DataUsed,
    Described,
    Event,
    ExperimentTagged,
    MetricsLogged,
    ModelLogged,
    ParamsLogged,
    RunEnded,
    RunStarted,
    Status,
    TagsSet,
)
from tracking.facts import StudyFacts, TrialEpoch
from tracking.outbox.outbox import EXPERIMENT_ID, Outbox
from tracking.outbox.pending import Pending
from tracking.runs_view import VIEW_KEY, runs_view
from tracking.values import auroc_metrics, health_metrics, mean_metric, texts

P = ParamSpec("P")

_NOTHING: Mapping[str, float] = MappingProxyType({})
_MOST_FAULTS = 100


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

    No method that tells of something raises, and all together they never wait for more than five
    seconds: what goes wrong is kept in `faults`, and events that a full disk did not take are
    kept in memory and tried again with the next one, and by `flush`. AUROC is from 0 to 1;
    metrics that are None are left out, infinite ones become NaN. May be pickled; events kept in
    memory stay behind.
    """

    def __init__(self, outbox: Outbox, facts: StudyFacts) -> None:
        self._outbox = outbox
        self._facts = facts
        self._pending = Pending(outbox)
        self._faults: list[str] = []

    def __reduce__(self) -> tuple[type[Record], tuple[Outbox, StudyFacts]]:
        return Record, (self._outbox, self._facts)

    @property
    def faults(self) -> tuple[str, ...]:
        """What could not be recorded, or only later, each in one line without repeats."""
        return tuple(self._faults)

    @property
    def outbox(self) -> Outbox:
        """Where events go."""
        return self._outbox

    def flush(self) -> int:
        """Bring to the outbox what only memory holds; how many events it still does not take.

        They are lost when this process ends. Unlike what tells of something, this waits for an
        outbox that another process holds, for a second.
        """
        try:
            self._pending.flush(patiently=True)
        except (OSError, sqlite3.Error) as error:
            self._remember(f"flush: {one_line(error)}")
        return len(self._pending)

    @property
    def study_key(self) -> str:
        """The run key of the study's own run."""
        return names.study_key(self._facts.study_id)

    def trial_key(self, trial_id: str) -> str:
        """The run key of a trial."""
        return names.trial_key(self._facts.study_id, trial_id)

    def final_key(self, trial_id: str, seed: int) -> str:
        """The run key of a final: the winning trial and the seed it was trained again with."""
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
        # The mean first, as in `auroc_metrics`.
        first = sorted(val_auroc, key=lambda name: name != names.MEAN)
        values = {names.val_auroc(name): val_auroc[name] for name in first}
        self._metrics(self.study_key, step, values)

    @_never_raises
    def study_tested(
        self, test_auroc: Mapping[str, tuple[float, float | None]], mean: float
    ) -> None:
        """What the finals gave: mean and standard deviation over seeds by class, and the mean.

        A deviation is None where there is one seed.
        """
        values: dict[str, float | None] = {names.test_auroc(names.MEAN): mean}
        for name, (average, deviation) in test_auroc.items():
            values[names.test_auroc(name)] = average
            values[names.test_auroc_sd(name)] = deviation
        self._metrics(self.study_key, 0, values)

    @_never_raises
    def study_described(self, run: str, experiment: str) -> None:
        """What a reader should know of the study's run and of its experiment, in Markdown; links
        to `artifact:PATH` lead to artifacts of that run. What somebody has changed stays."""
        self._pending.add(
            Described(run_key=self.study_key, text=run),
            Described(run_key=self.study_key, text=experiment, whole_study=True),
        )

    @_never_raises
    def study_viewed(self, classes: Sequence[str], searched: Sequence[str]) -> None:
        """How the MLflow UI is to show the study's runs: see `runs_view`."""
        tags = {
            names.VIEWS + VIEW_KEY: runs_view(classes, searched),
            names.PRIMARY_METRIC: names.val_auroc(names.MEAN),
        }
        self._pending.add(ExperimentTagged(run_key=self.study_key, tags=tags))

    @_never_raises
    def trial_won(self, trial_id: str, *, still: bool = True) -> None:
        """A trial is the winner; still: False once another trial has become it."""
        won = {names.WINNER: "true" if still else "false"}
        self._pending.add(TagsSet(run_key=self.trial_key(trial_id), tags=won))

    @_never_raises
    def study_ended(self, status: Status) -> None:
        """The study is over or interrupted; runs that nobody ended are KILLED with it."""
        abandoned = [key for key in self._pending.open_runs() if key != self.study_key]
        self._pending.add(
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
        self._pending.add(
            ParamsLogged(run_key=self.trial_key(trial_id), values=texts(params), step=epoch)
        )

    @_never_raises
    def trial_epoch(self, event: TrialEpoch) -> None:
        """One epoch of all classes of a trial; the mean of AUROC is added where it is absent."""
        values: dict[str, float | None] = {
            **auroc_metrics(event.val_auroc),
            **{names.loss(name): value for name, value in event.losses.items()},
            names.SECONDS: event.seconds,
            names.IMAGES_PER_SECOND: event.images_per_second,
            names.PEAK_MEMORY: event.peak_memory_mb,
            **health_metrics(event.health),
            **{names.val_auroc_sd(name): sd for name, sd in event.val_auroc_sd.items()},
        }
        self._metrics(self.trial_key(event.trial_id), event.epoch, values)

    @_never_raises
    def trial_made(self, trial_id: str, epoch: int, made_auroc: Mapping[str, float]) -> None:
        """After an epoch AUROC by kind of made anomaly, the mean over the trial's classes."""
        values = {names.made_auroc(kind): value for kind, value in made_auroc.items()}
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
        """A winner is trained again with one seed."""
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
        values: dict[str, float | None] = {}
        values.update(mean_metric(names.test_auroc(names.MEAN), test_auroc))
        values.update({names.test_auroc(name): value for name, value in test_auroc.items()})
        values.update({names.safe_path(name): value for name, value in extra.items()})
        self._metrics(key, 0, values)
        self._end(key, status, {names.ERROR: error})

    @_never_raises
    def final_model(
        self, trial_id: str, seed: int, bundles: Mapping[str, Path], normal_class: str = "all"
    ) -> None:
        """What a final trained, as one model: bundles by class, which must stay where they are."""
        key = self.final_key(trial_id, seed)
        self._pending.add(
            ModelLogged(
                run_key=key,
                name=names.model_name(self._facts.name, normal_class),
                bundles={n: self._outbox.from_outbox(folder) for n, folder in bundles.items()},
                tags={**self._facts.tags(), names.MODEL_KEY: key, names.KIND: "model"},
            )
        )

    @_never_raises
    def final_superseded(self, trial_id: str, seed: int) -> None:
        """Another trial has become the winner; this final stays, marked."""
        self._pending.add(
            TagsSet(run_key=self.final_key(trial_id, seed), tags={names.SUPERSEDED: "true"})
        )

    @_never_raises
    def artifact(self, run_key: str, path: Path, folder: str | None = None) -> None:
        """A file or a folder belongs to a run. It must stay where it is until delivered."""
        self._pending.add(
            ArtifactLogged(run_key=run_key, path=self._outbox.from_outbox(path), folder=folder)
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
            tags={**self._facts.tags(), names.KIND: kind, **tags},
        )
        self._pending.add(started, ParamsLogged(run_key=run_key, values=texts(params)))
        if (data := self._facts.data(kind)) is not None:
            self._pending.add(DataUsed(run_key=run_key, data=data))

    def _end(self, run_key: str, status: str, tags: Mapping[str, str | None]) -> None:
        said = {key: " ".join(text.split())[:500] for key, text in tags.items() if text}
        events: list[Event] = [TagsSet(run_key=run_key, tags=said)] if said else []
        ended = RunEnded.model_validate({"run_key": run_key, "status": status})
        self._pending.add(*events, ended)

    def _metrics(self, run_key: str, step: int, values: Mapping[str, float | None]) -> None:
        kept = {key: float(value) for key, value in values.items() if value is not None}
        if kept:
            self._pending.add(MetricsLogged(run_key=run_key, values=kept, step=step))

    def _remember(self, fault: str) -> None:
        if fault not in self._faults and len(self._faults) < _MOST_FAULTS:
            self._faults.append(fault)
