"""What happens to trials, told on: to the journal first, then to whoever listens.

Imported only where Ray is already in use.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import ray
from ray.tune import Callback

from memgan.config import flatten
from memgan.errors import MemganError, OutOfSpace
from search.journal import Journal, TrialOutcome
from search.ray import judge_share, says_out_of_memory
from search.results import ROOM_TO_GO_ON, StudyFolder, out_of_space, why_no_room
from search.stopping import current
from search.study import ClassGroup, Study
from search.trials.checkpoints import noted
from search.trials.kept_checkpoints import Keeper
from search.trials.listener import TrialListener
from tracking import names

_LOG = logging.getLogger(__name__)
_SECONDS_TO_ANSWER = 60.0
_TIMES_GIVEN_BACK = 3


class _Standing:
    """One group of classes, as it is told of."""

    def __init__(self, group: ClassGroup, journal: Journal, *, mean_of_all: bool) -> None:
        self.normal_class = group.name
        self.journal = journal
        self.mean_of_all = mean_of_all
        outcomes = journal.outcomes()
        self.ended = sum(o.state != "unfinished" for o in outcomes)
        self.best: float | None = max(
            (o.mean for o in outcomes if o.state == "finished" and o.mean is not None),
            default=None,
        )


class Watch(Callback):  # type: ignore[misc]  # Ray is untyped
    """Tune's events in the study's words.

    A fault of a listener is logged and forgotten, as Tune would end the search over it. A fault
    of the journal is not: without it the search must end.
    """

    def __init__(
        self,
        study: Study,
        journals: Mapping[ClassGroup, Journal],
        listeners: Sequence[TrialListener],
        folder: StudyFolder,
    ) -> None:
        self.interrupted = False
        self.to_try_again = False
        """A trial ran out of memory, or lost its worker before it began; it is tried anew."""
        self.no_room: str | None = None
        """Why a disk ended the search, in one line."""
        self.tick: Callable[[], None] = lambda: None
        """Called every few seconds, to count the time used."""
        self.keeper: Keeper | None = None
        """Removes checkpoints that nobody needs, where that is known before the end."""
        self.gpu_share = 0.0
        """What part of a GPU a trial has."""
        self._ticked = time.monotonic()
        self._study = study
        self._folder = folder
        self._judged = False
        self._out_of_memory: set[str] = set()
        self._listeners = list(listeners)
        self._errors: dict[str, str] = {}
        self._begun: set[str] = set()
        self._given_back: Counter[str] = Counter()
        self._standings = {
            group.name: _Standing(group, journal, mean_of_all=study.protocol == "shared")
            for group, journal in journals.items()
        }

    def setup(self, *args: Any, **kwargs: Any) -> None:
        """Called when Tune is ready. Tune's handler ends its loop in order and tells nobody; it
        is taken from SIGUSR1, as `cluster` keeps Tune from SIGINT, which must mean the same
        before this moment and after it."""
        if threading.current_thread() is not threading.main_thread():
            return
        ends_loop, stop = signal.getsignal(signal.SIGUSR1), current()

        def note(number: int, frame: FrameType | None) -> None:
            if stop.take(number):
                self.interrupted = True
                if callable(ends_loop):
                    ends_loop(number, frame)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, note)

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        if time.monotonic() - self._ticked > 2:
            self._ticked = time.monotonic()
            self.tick()
            if reason := why_no_room(self._folder.path, ROOM_TO_GO_ON):
                self._stop_for(reason)

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = trial.config["trial_id"]
        self._begin(trial)
        if source := trial.config["weights_from"]:
            schedule = trial.config["schedule"]
            values = flatten(self._study.parameters(trial.config["values"]))
            for epoch in sorted(schedule):
                values |= schedule[epoch]
            self._tell(
                "trial_changed",
                trial_id,
                max(schedule),
                {**values, names.WEIGHTS_FROM_PARAM: source},
            )

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        trial_id = trial.config["trial_id"]
        if "error" in result:
            if result["kind"] == "full":
                self._stop_for(result["error"])
            if result["kind"] == "memory":
                self._out_of_memory.add(trial_id)
            self._errors[trial_id] = result["error"]
            trial.max_failures = 0
            return
        self._judge(result)
        val_auroc = result["val_auroc"]
        if self._of(trial).journal.epoch(trial_id, result["epoch"], val_auroc["mean"]):
            self._tell(
                "trial_epoch",
                trial_id,
                result["epoch"],
                val_auroc,
                result["losses"],
                result["seconds"],
                result["images_per_second"],
                result["peak_memory_mb"],
            )
            if by_kind := result.get("made_auroc"):
                means = {kind: figures["mean"] for kind, figures in by_kind.items()}
                self._tell("trial_made", trial_id, result["epoch"], means)

    def on_checkpoint(
        self, iteration: int, trials: Any, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        self._of(trial).journal.checkpointed(
            trial.config["trial_id"],
            noted(self._folder.checkpoints, checkpoint.path),
            trial.last_result["epoch"],
        )
        if self.keeper:
            self.keeper.checkpointed(trial.config["trial_id"], checkpoint.path)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id, journal = trial.config["trial_id"], self._of(trial).journal
        last: Mapping[str, Any] = trial.last_result
        epoch = last.get("epoch", 0)
        val_auroc = dict(last["val_auroc"]) if "epoch" in last else {}
        if epoch >= self._study.epochs:
            measured = last.get("measured", {})
            journal.finished(trial_id, val_auroc, measured, last.get("made_auroc", {}))
            if measured:
                self._tell("trial_measured", trial_id, epoch, measured)
            self._end(trial, "FINISHED")
            self._note_best(trial, val_auroc)
        elif epoch >= trial.config["until"]:
            journal.rests(trial_id)
        else:
            by = self._study.scheduler.name
            journal.stopped(trial_id, val_auroc, by)
            self._end(trial, "KILLED", stopped_by=by)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = trial.config["trial_id"]
        error = self._errors.get(trial_id)
        if error is None:
            _must_answer()
            if trial.should_recover() and self._given_back[trial_id] < _TIMES_GIVEN_BACK:
                # Lost as it took the trial up, which Tune counts as the trial's own failure.
                self._given_back[trial_id] += 1
                self._of(trial).journal.rests(trial_id)
                self.to_try_again = True
                return
            error = _lost(trial)
        if trial_id in self._out_of_memory or says_out_of_memory(error):
            if self._of(trial).journal.tried_with_more_room(trial_id):
                self.to_try_again = True
                return
            error = f"out of memory, with fewer neighbours too: {error}"
        self._of(trial).journal.failed(trial_id, error)
        self._begin(trial)
        self._end(trial, "FAILED", error=error)

    def time_is_up(self, outcomes: Sequence[TrialOutcome]) -> None:
        """Tell of trials that the time budget cut off; resumed with more time, they go on."""
        for outcome in outcomes:
            if outcome.state == "unfinished":
                self._tell("trial_ended", outcome.trial_id, "KILLED", None, "time budget")

    def _stop_for(self, reason: str) -> None:
        """End the search while there is room to write down where it stopped."""
        self.no_room = reason
        raise OutOfSpace(out_of_space(reason, self._folder.name, self._folder.where))

    def _judge(self, result: Mapping[str, Any]) -> None:
        if self._judged or not result["gpu_memory_mb"]:
            return
        self._judged = True
        used, all_ = result["peak_memory_mb"], result["gpu_memory_mb"]
        if line := judge_share(used, all_, self.gpu_share):
            _LOG.warning("%s", line)

    def get_state(self) -> None:
        """Nothing for Tune's snapshots."""

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def _of(self, trial: Any) -> _Standing:
        return self._standings[trial.config["group"]]

    def _begin(self, trial: Any) -> None:
        trial_id = trial.config["trial_id"]
        if trial_id in self._begun:
            return
        self._begun.add(trial_id)
        parameters = flatten(self._study.parameters(trial.config["began_with"]))
        params = {
            **parameters,
            names.DETECTOR_PARAM: self._study.detector,
            names.SEED_PARAM: self._study.seed,
        }
        if self._study.scheduler.name == "pbt":
            params[names.WEIGHTS_FROM_PARAM] = trial_id
        self._tell("trial_started", trial_id, params, self._of(trial).normal_class)

    def _end(
        self, trial: Any, status: str, error: str | None = None, stopped_by: str | None = None
    ) -> None:
        standing, trial_id = self._of(trial), trial.config["trial_id"]
        standing.ended += 1
        self._tell("trial_ended", trial_id, status, error, stopped_by)
        if self.keeper:
            mean = trial.last_result["val_auroc"]["mean"] if status == "FINISHED" else None
            self.keeper.ended(standing.normal_class, trial_id, trial.custom_dirname, mean)

    def _note_best(self, trial: Any, val_auroc: dict[str, float]) -> None:
        standing = self._of(trial)
        if standing.best is None or val_auroc["mean"] > standing.best:
            standing.best = val_auroc["mean"]
            named = {k: v for k, v in val_auroc.items() if k != "mean" or standing.mean_of_all}
            self._tell("study_best", named, standing.ended)

    def _tell(self, event: str, *values: Any) -> None:
        for listener in self._listeners:
            try:
                getattr(listener, event)(*values)
            except Exception as fault:
                _LOG.warning("%s could not note %s: %s", type(listener).__name__, event, fault)


def _must_answer() -> None:
    """MemganError if Ray runs nothing any more. Then it is not the trial that failed: it waits
    for the next process, as all that were in training do."""
    try:
        ray.get(ray.remote(num_cpus=0)(_nothing).remote(), timeout=_SECONDS_TO_ANSWER)
    except ray.exceptions.RayError:
        raise MemganError("Ray does not answer any more, its node was lost") from None


def _nothing() -> None:
    pass


def _lost(trial: Any) -> str:
    error = trial.get_pickled_error() or trial.get_error()
    text = " ".join(str(error).split())
    return f"its worker was lost, retries included: {text}"[:500]
