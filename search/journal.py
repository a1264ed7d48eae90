"""The study's journal: what Optuna knows, kept so that a killed search goes on from it alone.

A trial is in one of Optuna's states, and they are meant: COMPLETE saw its full budget, PRUNED was
stopped early and keeps all its values, FAIL carries its reason, RUNNING is in training now, and
WAITING is to be trained: a starting configuration, or a trial that was cut off, which is handed
out again under its own number with its own values. So a resumed search needs no other memory.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from search.outcome import State, TrialOutcome
from search.sampler import build_sampler
from search.study import Study

_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
    TrialState.WAITING: "unfinished",
}

_NAME = "trials"


@dataclass(frozen=True)
class Suggestion:
    """A trial to train, from its start or from where it was cut off."""

    trial_id: str
    values: dict[str, Any]
    checkpoint: str | None


class Journal:
    """Trials of one group of classes, in a file that one driver at a time writes.

    The caller holds the study's lock.
    """

    def __init__(self, path: Path, study: Study, prefix: str = "") -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = study
        self._prefix = prefix
        self._storage = JournalStorage(_open(path))
        self._optuna = optuna.create_study(
            storage=self._storage,
            study_name=prefix + _NAME,
            direction="maximize",
            load_if_exists=True,
        )
        self._numbers: dict[str, int] = {}
        if not self._optuna.get_trials(deepcopy=False):
            for point in study.points()[: study.budget.trials]:
                self._optuna.enqueue_trial(point)
        self.park()

    def to_hand_out(self) -> int:
        """Trials that may still be asked for."""
        trials = self._optuna.get_trials(deepcopy=False)
        waiting = sum(trial.state == TrialState.WAITING for trial in trials)
        return waiting + max(0, self._study.budget.trials - len(trials))

    def ask(self) -> Suggestion | None:
        """The next trial: one that waits, else a new one, else None once the budget is spent."""
        if not self.to_hand_out():
            return None
        trials = self._optuna.get_trials(deepcopy=False)
        waiting = [trial.number for trial in trials if trial.state == TrialState.WAITING]
        self._optuna.sampler = build_sampler(
            self._study.sampler,
            seed=self._study.seed,
            number=min(waiting, default=len(trials)),
            trials=self._study.budget.trials,
            conditional=self._study.search_space.conditional,
        )
        trial = self._optuna.ask()
        values = self._study.search_space.suggest(trial)
        trial.set_user_attr("values", values)
        trial_id = self._id_of(trial.number)
        self._numbers[trial_id] = trial.number
        return Suggestion(trial_id, values, trial.user_attrs.get("checkpoint"))

    def epoch(self, trial_id: str, epoch: int, value: float) -> bool:
        """Note the objective after an epoch. False for one that is noted already: a trial
        that lost its worker repeats the epochs since its checkpoint."""
        trial = self._trial(trial_id)
        if epoch in trial.intermediate_values:
            return False
        self._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        return True

    def checkpointed(self, trial_id: str, path: str) -> None:
        """Note a checkpoint that is complete in the study's storage."""
        key = self._trial(trial_id)._trial_id
        self._storage.set_trial_user_attr(key, "checkpoint", path)

    def finished(self, trial_id: str, val_auroc: Mapping[str, float]) -> None:
        """The trial saw its full budget."""
        self._end(trial_id, TrialState.COMPLETE, val_auroc, value=val_auroc["mean"])

    def stopped(self, trial_id: str, val_auroc: Mapping[str, float], by: str) -> None:
        """The trial was stopped early."""
        self._end(trial_id, TrialState.PRUNED, val_auroc, stopped_by=by)

    def failed(self, trial_id: str, error: str) -> None:
        """The trial failed, with its reason in one line."""
        self._end(trial_id, TrialState.FAIL, {}, error=error)

    def park(self) -> None:
        """Trials that nobody trains any more wait for the next process."""
        for trial in self._optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)

    def outcomes(self) -> list[TrialOutcome]:
        """All trials that were begun, in their order."""
        return _outcomes(self._optuna, self._prefix)

    def history(self) -> list[tuple[str, dict[int, float]]]:
        """The objective by epoch of every trial that has one, for schedulers to remember."""
        trials = self._optuna.get_trials(deepcopy=False)
        return [(self._id_of(t.number), t.intermediate_values) for t in trials]

    def states(self) -> dict[str, TrialState]:
        """Optuna's own state by trial id."""
        trials = self._optuna.get_trials(deepcopy=False)
        return {self._id_of(trial.number): trial.state for trial in trials}

    def _end(
        self,
        trial_id: str,
        state: TrialState,
        val_auroc: Mapping[str, float],
        *,
        value: float | None = None,
        **attributes: str,
    ) -> None:
        trial = self._trial(trial_id)
        if trial.state.is_finished():
            return
        if val_auroc:
            self._storage.set_trial_user_attr(trial._trial_id, "val_auroc", dict(val_auroc))
        for name, text in attributes.items():
            self._storage.set_trial_user_attr(trial._trial_id, name, text)
        if state == TrialState.PRUNED and trial.intermediate_values:
            value = trial.intermediate_values[max(trial.intermediate_values)]
        values = None if value is None else [value]
        self._storage.set_trial_state_values(trial._trial_id, state, values)

    def _trial(self, trial_id: str) -> FrozenTrial:
        number = self._numbers[trial_id]
        return self._optuna.get_trials(deepcopy=False)[number]

    def _id_of(self, number: int) -> str:
        return f"{self._prefix}{number:04d}"


def read_outcomes(path: Path, prefix: str = "") -> list[TrialOutcome]:
    """All trials of a group that were begun; changes nothing, also beside a running driver."""
    return read_groups(path).get(prefix, [])


def read_groups(path: Path) -> dict[str, list[TrialOutcome]]:
    """All trials that were begun, by the prefix of their group; changes nothing."""
    return {prefix: _outcomes(study, prefix) for prefix, study in read_studies(path).items()}


def read_studies(path: Path) -> dict[str, optuna.Study]:
    """Optuna's own studies by the prefix of their group, to read from; changes nothing."""
    if not path.exists():
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = JournalStorage(JournalFileBackend(str(path)))
    names = [summary.study_name for summary in optuna.get_all_study_summaries(storage, False)]
    return {
        name.removesuffix(_NAME): optuna.load_study(study_name=name, storage=storage)
        for name in names
    }


def _outcomes(study: optuna.Study, prefix: str) -> list[TrialOutcome]:
    trials = study.get_trials(deepcopy=False)
    return [_outcome(trial, prefix) for trial in trials if "values" in trial.user_attrs]


def _outcome(trial: FrozenTrial, prefix: str) -> TrialOutcome:
    notes = trial.user_attrs
    steps = trial.intermediate_values
    last = {"mean": steps[max(steps)]} if steps else {}
    return TrialOutcome(
        trial_id=f"{prefix}{trial.number:04d}",
        state=_STATES[trial.state],
        values=dict(notes["values"]),
        epochs=max(steps, default=0),
        val_auroc=dict(notes.get("val_auroc", last)),
        error=notes.get("error"),
        stopped_by=notes.get("stopped_by"),
        checkpoint=notes.get("checkpoint"),
    )


def _open(path: Path) -> JournalFileBackend:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A process killed in the middle of a write leaves its lock, and half a line, behind; the
    # study's own lock says that no living process has either.
    Path(f"{path}.lock").unlink(missing_ok=True)
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            logging.getLogger(__name__).warning("%s: dropped half a line at the end", path)
            with path.open("r+b") as journal:
                journal.truncate(whole)
    return JournalFileBackend(str(path), JournalFileOpenLock(str(path)))
