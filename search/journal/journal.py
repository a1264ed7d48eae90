"""The study's journal: what Optuna knows, kept so that a killed search needs nothing else to go on.

A trial is in one of Optuna's states, and they are meant: COMPLETE saw its full budget, PRUNED was
stopped early and keeps all its values, FAIL carries its reason, RUNNING is in training now, and
WAITING is to be trained: a starting configuration, or a trial that was cut off, which is handed
out again under its own number with its own values. So a resumed search needs no other memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import optuna
from optuna.search_space import IntersectionSearchSpace
from optuna.storages import JournalStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.journal.constraint_notes import note_health
from search.journal.journal_file import open_to_read
from search.journal.outcomes import MORE_ROOM, TrialOutcome, outcome_of
from search.journal.samplers import build_sampler
from search.journal.untried import Untried, WithoutRepeats, decoded, different, passed_over, untried
from search.study import DIRECTIONS, Study

_NAME = "trials"
GENERATION = "generation/"
"""Before the epoch in the key of what a population did after it."""


@dataclass(frozen=True)
class Suggestion:
    """A trial to train, from its start or from where it was cut off."""

    trial_id: str
    values: dict[str, Any]
    checkpoint: str | None
    until: int
    """The epoch at which it ends, or rests until its population is that far."""
    schedule: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Parameters that change, by the epoch from which they hold."""
    began_with: dict[str, Any] = field(default_factory=dict)
    """The trial's own first values; `values` are those of the weights that it has now."""
    room: int = 1
    """How many times its share of the machine it gets: more once it ran out of memory."""
    weights_from: str | None = None
    """The trial whose weights it goes on with, where it gave way to another just now."""


class Journal:
    """Trials of one group of classes, in a file that one driver at a time writes.

    The caller holds the study's lock.
    """

    def __init__(self, storage: JournalStorage, study: Study, prefix: str = "") -> None:
        """storage: as `open_to_write` gives it; all groups of a study share one."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = study
        self._prefix = prefix
        self._storage = storage
        self._optuna = optuna.create_study(
            storage=self._storage,
            study_name=study_name(prefix),
            directions=[DIRECTIONS[name] for name in study.objectives],
            load_if_exists=True,
        )
        self._shared_space = IntersectionSearchSpace(include_pruned=True)
        self._keys: dict[str, int] = {}
        """Optuna's own keys of trials by their ids."""
        if not self._optuna.get_trials(deepcopy=False):
            points = study.points()
            if not study.search_space.never_repeats:
                points = list(different(points))
            for point in points[: study.most_trials]:
                self._optuna.enqueue_trial(point)
        self.park()

    def to_hand_out(self) -> int:
        """Trials that may still be asked for."""
        trials = self._trials_that_count()
        waiting = sum(trial.state == TrialState.WAITING for trial in trials)
        return waiting + max(0, self._new_ones(trials))

    def _trials_that_count(self) -> list[FrozenTrial]:
        return [t for t in self._optuna.get_trials(deepcopy=False) if not passed_over(t)]

    def _new_ones(self, trials: list[FrozenTrial]) -> int:
        """Trials that are still to be created."""
        budget, most = self._study.budget.trials, self._study.most_trials
        if most == budget or len(trials) >= budget:
            return budget - len(trials)
        to_come = sum("values" not in trial.user_attrs for trial in trials)
        left = most - untried(self._study.search_space, trials).tried - to_come
        return min(budget - len(trials), left)

    def exhausted(self) -> bool:
        """Whether no trial will be handed out any more, whatever becomes of those in training."""
        return not self.to_hand_out()

    def ask(self) -> Suggestion | None:
        """The next trial: one that waits, else a new one, else None once the budget is spent."""
        space = self._study.search_space
        left = None if space.never_repeats else self._pass_over_repeats()
        trials = self._optuna.get_trials(deepcopy=False)
        waiting = [trial.number for trial in trials if trial.state == TrialState.WAITING]
        if not waiting and self._new_ones(self._trials_that_count()) <= 0:
            return None
        number = min(waiting, default=len(trials))
        sampler = build_sampler(
            self._study.sampler,
            seed=self._study.seed,
            number=number,
            trials=self._study.budget.trials,
            conditional=self._study.search_space.conditional,
            shared_space=self._shared_space,
            constrained=bool(self._study.constraints),
        )
        self._optuna.sampler = (
            sampler if left is None else WithoutRepeats(sampler, space, left, number)
        )
        trial = self._optuna.ask()
        values = self._study.search_space.suggest(trial)
        trial.set_user_attr("values", values)
        trial_id = self._id_of(trial.number)
        self._keys[trial_id] = trial._trial_id
        checkpoint = trial.user_attrs.get("checkpoint")
        until = self._study.epochs
        room = trial.user_attrs.get("room", 1)
        return Suggestion(trial_id, values, checkpoint, until, began_with=values, room=room)

    def _pass_over_repeats(self) -> Untried:
        """Give up starting configurations that can become no new point; gives what is left."""
        space = self._study.search_space
        trials = self._optuna.get_trials(deepcopy=False)
        left = untried(space, trials)
        for trial in trials:
            if trial.state == TrialState.WAITING and "values" not in trial.user_attrs:
                given = decoded(space, trial.system_attrs.get("fixed_params", {}))
                if left.holds(given):
                    break
                self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        return left

    def epoch(self, trial_id: str, epoch: int, value: float) -> bool:
        """Note the objective after an epoch. False for one that is noted already: a trial
        that lost its worker repeats the epochs since its checkpoint."""
        trial = self._trial(trial_id)
        if epoch in trial.intermediate_values:
            return False
        self._storage.set_trial_intermediate_value(trial._trial_id, epoch, value)
        return True

    def checkpointed(self, trial_id: str, path: str, epoch: int) -> None:
        """Note a checkpoint of an epoch that is complete in the study's storage."""
        key = self._keys[trial_id]
        self._storage.set_trial_user_attr(key, "checkpoint_epoch", epoch)
        self._storage.set_trial_user_attr(key, "checkpoint", path)

    def finished(
        self,
        trial_id: str,
        val_auroc: Mapping[str, float],
        measured: Mapping[str, float] = MappingProxyType({}),
        made_auroc: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    ) -> None:
        """The trial saw its full budget; measured: objectives other than AUROC, by name;
        made_auroc: as in `TrialOutcome`."""
        if made_auroc:
            noted = {kind: dict(figures) for kind, figures in made_auroc.items()}
            self._storage.set_trial_user_attr(self._keys[trial_id], "made_auroc", noted)
        found = {self._study.judge: val_auroc["mean"], **measured}
        if len(self._study.objectives) > 1:
            self._storage.set_trial_user_attr(self._keys[trial_id], "objectives", found)
        values = [found[name] for name in self._study.objectives]
        self._end(trial_id, TrialState.COMPLETE, val_auroc, values=values)

    def noted_spread(self, trial_id: str, val_auroc_sd: Mapping[str, float]) -> None:
        """Note the spread of a trial's last AUROC over its seeds, by class and of the mean; nothing
        for one seed."""
        if val_auroc_sd:
            key = self._keys[trial_id]
            self._storage.set_trial_user_attr(key, "val_auroc_sd", dict(val_auroc_sd))

    def note_health(self, trial_id: str, health: Mapping[str, float]) -> dict[str, float]:
        """As the function, of a trial that is about to end."""
        return note_health(self._storage, self._keys[trial_id], self._study.constraints, health)

    def rests(self, trial_id: str) -> None:
        """The trial came to where its suggestion ends, and waits to be handed out again."""
        self._storage.set_trial_state_values(self._keys[trial_id], TrialState.WAITING)

    def stopped(self, trial_id: str, val_auroc: Mapping[str, float], by: str) -> None:
        """The trial was stopped early."""
        self._end(trial_id, TrialState.PRUNED, val_auroc, stopped_by=by)

    def failed(self, trial_id: str, error: str) -> None:
        """The trial failed, with its reason in one line."""
        self._end(trial_id, TrialState.FAIL, {}, error=error)

    def tried_with_more_room(self, trial_id: str) -> bool:
        """Whether a trial that ran out of memory is to be tried again, once it is parked; False
        for one that was."""
        trial = self._trial(trial_id)
        if "room" in trial.user_attrs:
            return False
        self._storage.set_trial_user_attr(trial._trial_id, "room", MORE_ROOM)
        return True

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
        values: list[float] | None = None,
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
            values = [trial.intermediate_values[max(trial.intermediate_values)]]
        self._storage.set_trial_state_values(trial._trial_id, state, values)

    def _trial(self, trial_id: str) -> FrozenTrial:
        return self._storage.get_trial(self._keys[trial_id])

    def _id_of(self, number: int) -> str:
        return f"{self._prefix}{number:04d}"


def study_name(prefix: str) -> str:
    """What Optuna calls a group's trials."""
    return prefix + _NAME


def directions(study: Study) -> list[int]:
    """The directions of a study's objectives, as the journal has them."""
    known = {"minimize": StudyDirection.MINIMIZE, "maximize": StudyDirection.MAXIMIZE}
    return [known[DIRECTIONS[name]].value for name in study.objectives]


def read_outcomes(path: Path, prefix: str = "") -> list[TrialOutcome]:
    """All trials of a group that were begun; changes nothing, also beside a running driver."""
    return read_groups(path).get(prefix, [])


def read_groups(path: Path) -> dict[str, list[TrialOutcome]]:
    """All trials that were begun, by the prefix of their group; changes nothing."""
    return {prefix: _outcomes(study, prefix) for prefix, study in read_studies(path).items()}


def read_front(path: Path, prefix: str = "") -> set[str]:
    """Ids of a group's finished trials that no other beats in one objective and equals in the
    rest."""
    study = read_studies(path).get(prefix)
    return {f"{prefix}{trial.number:04d}" for trial in study.best_trials} if study else set()


def read_studies(path: Path) -> dict[str, optuna.Study]:
    """Optuna's own studies by the prefix of their group, to read from; changes nothing."""
    if not path.exists():
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_to_read(path)
    names = [summary.study_name for summary in optuna.get_all_study_summaries(storage, False)]
    return {
        name.removesuffix(_NAME): optuna.load_study(study_name=name, storage=storage)
        for name in names
    }


def _outcomes(study: optuna.Study, prefix: str) -> list[TrialOutcome]:
    trials = study.get_trials(deepcopy=False)
    gave_way: dict[str, dict[str, Any]] = {}
    for heirs in generations(study.user_attrs).values():
        gave_way = {**heirs, **gave_way}
    return [
        outcome_of(trial, prefix, gave_way.get(str(trial.number)))
        for trial in trials
        if "values" in trial.user_attrs
    ]


def generations(notes: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """By epoch, the newest first, what a population's trials that gave way then go on with, by
    their number; `notes` are a journal's own."""
    found = {
        int(key.removeprefix(GENERATION)): heirs
        for key, heirs in notes.items()
        if key.startswith(GENERATION)
    }
    return dict(sorted(found.items(), reverse=True))
