"""The journal of a population: trials rest at the end of a generation until all are there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, TrialState

from memgan.config import flatten
from search.journal.journal import GENERATION, Journal, Suggestion, generations
from search.journal.population import Heir, Lineage, Member, Stage, goal_after, next_generation
from search.study import Pbt, Study


class PopulationJournal(Journal):
    """Hands out every member once a generation, from the checkpoint where it ended the one
    before or, if it gave way, from that of the trial it takes over from.

    What a generation did is one line of the journal. It follows from the members' values and the
    study's seed only: a population that was killed goes on as it would have.
    """

    def __init__(self, storage: JournalStorage, study: Study, prefix: str = "") -> None:
        super().__init__(storage, study, prefix)
        assert isinstance(study.scheduler, Pbt)
        self._options = study.scheduler
        self._interval = study.scheduler.interval(study.epochs)
        self._found()

    def _found(self) -> None:
        """Draw the population, or what a process that was killed then left out of it."""
        trials = self._optuna.get_trials(deepcopy=False)
        if len(trials) < self._study.budget.trials or any(
            "values" not in trial.user_attrs for trial in trials
        ):
            while super().ask() is not None:
                pass
            self.park()
        for trial in self._optuna.get_trials(deepcopy=False):
            self._keys[self._id_of(trial.number)] = trial._trial_id

    def tried_with_more_room(self, trial_id: str) -> bool:
        again = super().tried_with_more_room(trial_id)
        if again:
            self.rests(trial_id)  # At once, as the others of its generation wait for it.
        return again

    def exhausted(self) -> bool:
        return not self._living()

    def ask(self) -> Suggestion | None:
        """The next member to train, or None while all others of its generation are in training."""
        living = self._living()
        slowest = min((_epoch(trial) for trial in living), default=0)
        for trial in living:
            epoch = _epoch(trial)
            if trial.state != TrialState.WAITING:
                continue
            if 0 < epoch < self._study.epochs and epoch % self._interval == 0:
                if slowest < epoch:
                    continue
                self._end_generation(epoch, living)
            return self._suggestion(trial, epoch)
        return None

    def _living(self) -> list[FrozenTrial]:
        trials = self._optuna.get_trials(deepcopy=False)
        return [trial for trial in trials if not trial.state.is_finished()]

    def _suggestion(self, trial: FrozenTrial, epoch: int) -> Suggestion:
        self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        lineage = self._lineage(trial)
        heir = self._generations().get(epoch, {}).get(str(trial.number))
        return Suggestion(
            trial_id=self._id_of(trial.number),
            values=lineage[0].values,
            checkpoint=heir["checkpoint"] if heir else trial.user_attrs.get("checkpoint"),
            until=goal_after(epoch, interval=self._interval, epochs=self._study.epochs),
            schedule={stage["epoch"]: stage["changes"] for stage in self._stages(lineage)[1:]},
            began_with=trial.user_attrs["values"],
            weights_from=heir["source"] if heir else None,
            room=trial.user_attrs.get("room", 1),
        )

    def _end_generation(self, epoch: int, living: list[FrozenTrial]) -> None:
        if epoch in self._generations():
            return
        members = [
            Member(
                trial_id=self._id_of(trial.number),
                score=trial.intermediate_values[epoch],
                lineage=self._lineage(trial),
                checkpoint=trial.user_attrs["checkpoint"],
            )
            for trial in living
        ]
        heirs = next_generation(
            members,
            self._study.search_space,
            self._options,
            epoch=epoch,
            seed=self._study.seed,
        )
        numbers = {self._id_of(trial.number): trial.number for trial in living}
        self._optuna.set_user_attr(
            GENERATION + str(epoch),
            {str(numbers[trial_id]): self._note(heir) for trial_id, heir in heirs.items()},
        )

    def _note(self, heir: Heir) -> dict[str, Any]:
        return {
            "source": heir.source,
            "checkpoint": heir.checkpoint,
            "stages": self._stages(heir.lineage),
        }

    def _stages(self, lineage: Lineage) -> list[dict[str, Any]]:
        """Stages with the parameters that each sets again."""
        before: dict[str, Any] = {}
        noted: list[dict[str, Any]] = []
        for stage in lineage:
            after = flatten(self._study.parameters(stage.values))
            changes = {k: v for k, v in after.items() if before.get(k) != v} if noted else {}
            noted.append({**asdict(stage), "changes": changes})
            before = after
        return noted

    def _generations(self) -> dict[int, dict[str, Any]]:
        """By epoch, the newest first: what the trials go on with that gave way, by number."""
        return generations(self._optuna.user_attrs)

    def _lineage(self, trial: FrozenTrial) -> Lineage:
        """What made a trial's weights so far."""
        for heirs in self._generations().values():
            if heir := heirs.get(str(trial.number)):
                return tuple(Stage(s["epoch"], s["values"]) for s in heir["stages"])
        return (Stage(1, trial.user_attrs["values"]),)


def _epoch(trial: FrozenTrial) -> int:
    """The epoch of its newest checkpoint."""
    return int(trial.user_attrs.get("checkpoint_epoch", 0))
