"""What happens to trials, told on: to the journal first, then to whoever listens.

Imported only where Ray is already in use.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import ray
from ray.tune import Callback

from memgan.errors import MemganError
from memgan.parameters import flatten
from search.journal import Journal
from search.listener import TrialListener
from search.outcome import TrialOutcome
from search.study import Study
from tracking import names

_LOG = logging.getLogger(__name__)
_SECONDS_TO_ANSWER = 60.0


class Watch(Callback):  # type: ignore[misc]  # Ray is untyped
    """Tune's events in the study's words.

    A fault of a listener is logged and forgotten, as Tune would end the search over it. A fault
    of the journal is not: without it the search must end.
    """

    def __init__(
        self,
        study: Study,
        journal: Journal,
        listeners: Sequence[TrialListener],
        normal_class: str,
        classes: Sequence[str],
    ) -> None:
        self.interrupted = False
        self.tick: Callable[[], None] = lambda: None
        """Called every few seconds, to count the time used."""
        self._ticked = time.monotonic()
        self._study = study
        self._journal = journal
        self._listeners = list(listeners)
        self._normal_class = normal_class
        self._mean_of_all = len(classes) > 1 or study.protocol == "shared"
        self._errors: dict[str, str] = {}
        self._begun: set[str] = set()
        self._ended = sum(o.state != "unfinished" for o in journal.outcomes())
        self._best: float | None = max(
            (o.mean for o in journal.outcomes() if o.state == "finished" and o.mean is not None),
            default=None,
        )

    def setup(self, *args: Any, **kwargs: Any) -> None:
        """Called once Tune has put its own handler of SIGINT in place, which tells nobody."""
        if threading.current_thread() is not threading.main_thread():
            return
        tunes_own = signal.getsignal(signal.SIGINT)

        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            if callable(tunes_own):
                tunes_own(number, frame)

        signal.signal(signal.SIGINT, note)
        signal.signal(signal.SIGTERM, note)

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        if time.monotonic() - self._ticked > 2:
            self._ticked = time.monotonic()
            self.tick()

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = trial.config["trial_id"]
        if trial_id not in self._begun:
            self._begun.add(trial_id)
            parameters = flatten(self._study.parameters(trial.config["values"]))
            params = {
                **parameters,
                names.DETECTOR_PARAM: self._study.detector,
                names.SEED_PARAM: self._study.seed,
            }
            self._tell("trial_started", trial_id, params, self._normal_class)

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        trial_id = trial.config["trial_id"]
        if "error" in result:
            self._errors[trial_id] = result["error"]
            trial.max_failures = 0
            return
        val_auroc = result["val_auroc"]
        if self._journal.epoch(trial_id, result["epoch"], val_auroc["mean"]):
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

    def on_checkpoint(
        self, iteration: int, trials: Any, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        self._journal.checkpointed(trial.config["trial_id"], checkpoint.path)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = trial.config["trial_id"]
        last: Mapping[str, Any] = trial.last_result
        val_auroc = dict(last["val_auroc"]) if "epoch" in last else {}
        if last.get("epoch", 0) >= self._study.epochs:
            self._journal.finished(trial_id, val_auroc)
            self._end(trial_id, "FINISHED")
            self._note_best(val_auroc)
        else:
            by = self._study.scheduler.name
            self._journal.stopped(trial_id, val_auroc, by)
            self._end(trial_id, "KILLED", stopped_by=by)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        trial_id = trial.config["trial_id"]
        error = self._errors.get(trial_id)
        if error is None:
            _must_answer()
            error = _lost(trial)
        self._journal.failed(trial_id, error)
        self._end(trial_id, "FAILED", error=error)

    def time_is_up(self, outcomes: Sequence[TrialOutcome]) -> None:
        """Tell of trials that the time budget cut off; resumed with more time, they go on."""
        for outcome in outcomes:
            if outcome.state == "unfinished":
                self._tell("trial_ended", outcome.trial_id, "KILLED", None, "time budget")

    def get_state(self) -> None:
        """Nothing for Tune's snapshots."""

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def _end(
        self, trial_id: str, status: str, error: str | None = None, stopped_by: str | None = None
    ) -> None:
        self._ended += 1
        self._tell("trial_ended", trial_id, status, error, stopped_by)

    def _note_best(self, val_auroc: dict[str, float]) -> None:
        if self._best is None or val_auroc["mean"] > self._best:
            self._best = val_auroc["mean"]
            named = {k: v for k, v in val_auroc.items() if k != "mean" or self._mean_of_all}
            self._tell("study_best", named, self._ended)

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
