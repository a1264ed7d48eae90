"""What happens to trials in Ray Tune, written down in the study's words: in the journal first, then
announced to whoever listens.

Imported only where Ray is already in use.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import ray
from ray.tune import Callback

from memgan.errors import MemganError, OutOfSpace
from search.journal import Journal, merit
from search.ray import judge_share, says_out_of_memory
from search.results import ROOM_TO_GO_ON, StudyFolder, out_of_space, why_no_room
from search.stopping import current
from search.study import ClassGroup, Study
from search.trials.announcer import Announcer
from search.trials.checkpoints import noted
from search.trials.kept_checkpoints import Keeper
from tracking import TrialEpoch

_LOG = logging.getLogger(__name__)
_SECONDS_TO_ANSWER = 60.0
_TIMES_GIVEN_BACK = 3
_SECONDS_BETWEEN_LOOKS = 2


@dataclass(frozen=True)
class Watched:
    """What one run of Tune works on."""

    study: Study
    folder: StudyFolder
    journals: Mapping[ClassGroup, Journal]
    count_time: Callable[[], None]
    """Called every few seconds, to write down the time used."""
    keeper: Keeper | None = None
    """Removes checkpoints that nobody needs, where that is known before the end."""
    gpu_share: float = 0.0
    """What part of a GPU a trial has, from 0 to 1."""


@dataclass(frozen=True)
class Verdict:
    """How a run of Tune ended, beyond what the journal says."""

    interrupted: bool = False
    """Somebody asked to stop."""
    to_try_again: bool = False
    """A trial ran out of memory, or lost its worker before it began; it must run again."""
    no_room: str | None = None
    """Why a full disk ended the search, in one line."""


class Watch(Callback):  # type: ignore[misc]  # Ray is untyped
    """Tune's events in the study's words.

    A fault of a listener is logged and forgotten, as Tune would end the search over it. A fault
    of the journal is not: without it the search must end.
    """

    def __init__(self, watched: Watched, announcer: Announcer) -> None:
        self._study = watched.study
        self._folder = watched.folder
        self._keeper = watched.keeper
        self._gpu_share = watched.gpu_share
        self._count_time = watched.count_time
        self._journals = {group.name: journal for group, journal in watched.journals.items()}
        self._announcer = announcer
        self._interrupted = False
        self._to_try_again = False
        self._no_room: str | None = None
        self._looked = time.monotonic()
        self._share_judged = False
        self._out_of_memory: set[str] = set()
        self._errors: dict[str, str] = {}
        self._given_back: Counter[str] = Counter()

    @property
    def verdict(self) -> Verdict:
        """How the run has ended, or would if it ended now."""
        return Verdict(self._interrupted, self._to_try_again, self._no_room)

    def setup(self, *args: Any, **kwargs: Any) -> None:
        """Called when Tune is ready. Tune's handler of SIGUSR1 ends its loop in order and tells
        nobody; it is taken over here. `search.ray.connection` keeps Tune from SIGINT, which must
        mean the same before this moment and after it."""
        if threading.current_thread() is not threading.main_thread():
            return
        ends_loop, stop = signal.getsignal(signal.SIGUSR1), current()

        def note(number: int, frame: FrameType | None) -> None:
            if stop.take(number):
                self._interrupted = True
                if callable(ends_loop):
                    ends_loop(number, frame)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, note)

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        if time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            self._count_time()
            if reason := why_no_room(self._folder.path, ROOM_TO_GO_ON):
                self._stop_for(reason)

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        config = trial.config
        self._announcer.begun(config["group"], config["trial_id"], config["began_with"])
        if source := config["weights_from"]:
            self._announcer.changed(
                config["trial_id"], config["values"], config["schedule"], source
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
        self._judge_share(result)
        event = TrialEpoch(
            trial_id=trial_id,
            epoch=result["epoch"],
            val_auroc=result["val_auroc"],
            losses=result["losses"],
            seconds=result["seconds"],
            images_per_second=result["images_per_second"],
            peak_memory_mb=result["peak_memory_mb"],
            health=result.get("health") or {},
            val_auroc_sd=result.get("val_auroc_sd") or {},
        )
        if self._journal(trial).epoch(trial_id, event.epoch, event.val_auroc["mean"]):
            self._announcer.epoch(event, result.get("made_auroc") or {})

    def on_checkpoint(
        self, iteration: int, trials: Any, trial: Any, checkpoint: Any, **info: Any
    ) -> None:
        self._journal(trial).checkpointed(
            trial.config["trial_id"],
            noted(self._folder.checkpoints, checkpoint.path),
            trial.last_result["epoch"],
        )
        if self._keeper:
            self._keeper.checkpointed(checkpoint.path)

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        group, trial_id = trial.config["group"], trial.config["trial_id"]
        journal = self._journal(trial)
        last: Mapping[str, Any] = trial.last_result
        epoch = last.get("epoch", 0)
        val_auroc = dict(last["val_auroc"]) if "epoch" in last else {}
        journal.noted_spread(trial_id, last.get("val_auroc_sd") or {})
        if epoch >= self._study.epochs:
            measured = last.get("measured", {})
            broken = journal.note_health(trial_id, _means(last))
            journal.finished(trial_id, val_auroc, measured, last.get("made_auroc", {}))
            self._announcer.measured(trial_id, epoch, measured)
            self._announcer.finished(group, trial_id, val_auroc, fulfils=not broken)
            self._clear_up(trial, merit(val_auroc["mean"], fulfils=not broken))
        elif epoch >= trial.config["until"]:
            journal.rests(trial_id)
        else:
            by = self._study.scheduler.name
            journal.note_health(trial_id, _means(last))
            journal.stopped(trial_id, val_auroc, by)
            self._announcer.stopped(group, trial_id, by)
            self._clear_up(trial, None)

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        group, trial_id = trial.config["group"], trial.config["trial_id"]
        error = self._errors.get(trial_id)
        if error is None:
            _must_answer()
            if trial.should_recover() and self._given_back[trial_id] < _TIMES_GIVEN_BACK:
                # Lost as it took the trial up, which Tune counts as the trial's own failure.
                self._given_back[trial_id] += 1
                self._journal(trial).rests(trial_id)
                self._to_try_again = True
                return
            error = _lost(trial)
        if trial_id in self._out_of_memory or says_out_of_memory(error):
            if self._journal(trial).tried_with_more_room(trial_id):
                self._to_try_again = True
                return
            error = f"out of memory, with fewer neighbours too: {error}"
        self._journal(trial).failed(trial_id, error)
        self._announcer.begun(group, trial_id, trial.config["began_with"])
        self._announcer.failed(group, trial_id, error)
        self._clear_up(trial, None)

    def get_state(self) -> None:
        """Nothing for Tune's snapshots."""

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def _journal(self, trial: Any) -> Journal:
        return self._journals[trial.config["group"]]

    def _clear_up(self, trial: Any, mean: float | None) -> None:
        """Let go of checkpoints once a trial has ended. mean: of one that saw its full budget, its
        `merit`."""
        if self._keeper:
            config = trial.config
            self._keeper.ended(config["group"], config["trial_id"], trial.custom_dirname, mean)

    def _stop_for(self, reason: str) -> None:
        """End the search while there is room to write down where it stopped."""
        self._no_room = reason
        raise OutOfSpace(out_of_space(reason, self._folder.go_on_command()))

    def _judge_share(self, result: Mapping[str, Any]) -> None:
        if self._share_judged or not result["gpu_memory_mb"]:
            return
        self._share_judged = True
        used, all_ = result["peak_memory_mb"], result["gpu_memory_mb"]
        if line := judge_share(used, all_, self._gpu_share):
            _LOG.warning("%s", line)


def _means(result: Mapping[str, Any]) -> dict[str, float]:
    """Measures of memory and game in Tune's result, means over the classes."""
    health: Mapping[str, Mapping[str, float]] = result.get("health") or {}
    return {measure: by_class["mean"] for measure, by_class in health.items()}


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
