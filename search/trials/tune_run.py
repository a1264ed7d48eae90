"""One run of Ray Tune over a study's trials, from wherever the journals stand.

Imported only where Ray is already in use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray import tune

from memgan.errors import OutOfSpace
from search.journal import Journal
from search.ray import Allotment, allot, resources_for
from search.results import StudyFolder, out_of_space
from search.study import METRIC, ClassGroup, Study
from search.trials.announcer import Announcer
from search.trials.callback import Verdict, Watch, Watched
from search.trials.kept_checkpoints import Keeper
from search.trials.rungs import ByGroup
from search.trials.schedulers import build_scheduler
from search.trials.searcher import JournalSearcher

if TYPE_CHECKING:
    from search.results import Storage
    from search.trials.listener import TrialListener

_LOST_WORKERS = 3
"""Times that a trial whose worker was lost is tried again."""


@dataclass(frozen=True)
class TuneRun:
    """What a run of Tune needs: the study and its journals, what trains, and whom it tells."""

    study: Study
    folder: StudyFolder
    journals: Mapping[ClassGroup, Journal]
    trainable: Callable[[Allotment], Any]
    """Asked for what Tune shall run, once it is known what a trial gets."""
    listeners: Sequence[TrialListener]
    count_time: Callable[[], None]

    def run(self, seconds_left: float | None) -> Verdict:
        """Train until the budget or the time is spent, or somebody asks to stop.

        OutOfSpace where a disk is full; whatever else Tune raises.
        """
        chosen = allot(self.study.resources, ray.cluster_resources())
        run = _next_run(self.folder.checkpoints)
        of_population = self.study.scheduler.name == "pbt"
        keeper = Keeper(self.folder.checkpoints, run, of_population=of_population)
        if not of_population:
            self._sweep(keeper)
            for group, journal in self.journals.items():
                keeper.know(group.name, journal.outcomes())
        watched = Watched(
            study=self.study,
            folder=self.folder,
            journals=self.journals,
            count_time=self.count_time,
            keeper=keeper,
            gpu_share=chosen.gpus_per_trial,
        )
        watch = Watch(watched, Announcer(self.study, self.journals, self.listeners))
        try:
            self._tuner(chosen, run, watch, seconds_left).fit()
        except Exception:
            # Tune wraps what a callback raises in an exception of its own.
            if reason := watch.verdict.no_room:
                raise OutOfSpace(out_of_space(reason, self.folder.go_on_command())) from None
            raise
        if all(journal.exhausted() for journal in self.journals.values()):
            self._sweep(keeper)
        return watch.verdict

    def _sweep(self, keeper: Keeper) -> None:
        keeper.sweep([journal.outcomes() for journal in self.journals.values()])

    def _tuner(
        self, chosen: Allotment, run: str, watch: Watch, seconds_left: float | None
    ) -> tune.Tuner:
        study, checkpoints = self.study, self.folder.checkpoints
        journals = {group.name: journal for group, journal in self.journals.items()}
        schedulers = {
            name: build_scheduler(study.scheduler, epochs=study.epochs, history=journal.history())
            for name, journal in journals.items()
        }
        return tune.Tuner(
            tune.with_resources(
                self.trainable(chosen), lambda config: resources_for(chosen, config["room"])
            ),
            tune_config=tune.TuneConfig(
                metric=METRIC,
                mode="max",
                search_alg=JournalSearcher(journals),
                scheduler=ByGroup(schedulers),
                num_samples=-1,  # The searcher says when there are no more.
                max_concurrent_trials=chosen.at_once,
                time_budget_s=seconds_left,
                reuse_actors=True,
                trial_dirname_creator=_trial_folder,
            ),
            run_config=tune.RunConfig(
                name=run,
                storage_path=checkpoints.path,
                storage_filesystem=checkpoints.filesystem,
                callbacks=[watch],
                verbose=0,
                # Tune would remove whole folders, with what somebody else put there; see Keeper.
                checkpoint_config=tune.CheckpointConfig(num_to_keep=None),
                failure_config=tune.FailureConfig(max_failures=_LOST_WORKERS),
            ),
        )


def _trial_folder(trial: Any) -> str:
    # A member of a population is a trial of Tune's in every generation.
    config = trial.config
    return f"{config['trial_id']}-{config['until']:03d}"


def _next_run(checkpoints: Storage) -> str:
    # Every process writes to a folder of its own, so that none overwrites an older checkpoint.
    earlier = [int(name) for name in checkpoints.names() if name.isdigit()]
    return f"{max(earlier, default=0) + 1:03d}"
