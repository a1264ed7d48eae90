"""The trial loop: one group of classes searched through Tune, from wherever its journal stands."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memgan.errors import DataError, MemganError, unknown_name
from search.listener import TrialListener
from search.outcome import TrialOutcome, TrialsResult
from search.resources import allot
from search.store import StudyFolder
from search.study import Study

if TYPE_CHECKING:
    from memgan.data import Development
    from search.journal import Journal
    from search.watch import Watch

_LOST_WORKERS = 3
"""Times that a trial whose worker was lost is tried again."""


@dataclass(frozen=True)
class ClassGroup:
    """Normal classes that are searched as one: all of a shared study, one of a per-class one."""

    name: str
    """The class, or "all"."""
    classes: tuple[str, ...]
    prefix: str
    """In front of the trial numbers: "" or "CLASS-"."""


def class_groups(study: Study, known: Sequence[str]) -> list[ClassGroup]:
    """The groups of a study; `known` are the classes that can be normal (`Split.normal_classes`).

    UnknownName for a class that is not among them.
    """
    classes = tuple(known) if study.normal_class == "all" else study.normal_class
    for name in classes:
        if name not in known:
            raise unknown_name("normal class", name, known)
    if study.protocol == "shared":
        return [ClassGroup("all", classes, "")]
    return [ClassGroup(name, (name,), f"{_safe(name)}-") for name in classes]


def run_trials(
    study: Study,
    group: ClassGroup,
    development: Development,
    folder: StudyFolder,
    listener: TrialListener,
    *,
    progress: TrialListener | None = None,
    time_left: float | None = None,
) -> TrialsResult:
    """Search one group until its budget is spent, the time is up, or SIGINT or SIGTERM.

    Goes on from the study's journal: trials that were cut off are trained on, from their last
    checkpoint, under their own ids; ended ones stay as they are. Where nothing is left to do
    Ray is not touched; else it must be connected. The caller holds the study's lock.

    time_left: seconds for this group; None is what the study's budget has left.
    DataError if a class has no labelled validation; MemganError if Tune itself fails.
    """
    _must_validate(group, development)
    journal = _journal(study, group, folder)
    left = _time_left(study, folder) if time_left is None else time_left
    if not journal.to_hand_out():
        return TrialsResult(tuple(journal.outcomes()))
    if left is not None and left <= 0:
        return TrialsResult(tuple(journal.outcomes()), timed_out=True)

    from search.watch import Watch

    listeners = [listener] if progress is None else [listener, progress]
    watch = Watch(study, journal, listeners, group.name, group.classes)
    started = time.monotonic()
    with _signals_put_back(), _counted(folder, started) as count:
        watch.tick = count
        try:
            _fit(study, group, development, folder, journal, watch, left)
        except Exception as error:
            line = " ".join(str(error).split()) or type(error).__name__
            raise MemganError(
                f"the search ended by a fault: {line[-500:]}; go on with --resume {folder.name}"
            ) from error
        finally:
            journal.park()
    outcomes = tuple(journal.outcomes())
    timed_out = (
        left is not None
        and not watch.interrupted
        and journal.to_hand_out() > 0
        and time.monotonic() - started >= left
    )
    if timed_out:
        watch.time_is_up(outcomes)
    return TrialsResult(outcomes, interrupted=watch.interrupted, timed_out=timed_out)


def read_outcomes(group: ClassGroup, folder: StudyFolder) -> list[TrialOutcome]:
    """What became of a group's trials so far; changes nothing, also beside a running driver."""
    from search.journal import read_outcomes as read

    return read(folder.journal, group.prefix)


def _fit(
    study: Study,
    group: ClassGroup,
    development: Development,
    folder: StudyFolder,
    journal: Journal,
    watch: Watch,
    time_left: float | None,
) -> None:
    import ray
    from ray import tune

    from search.scheduler import METRIC, build_scheduler
    from search.searcher import JournalSearcher
    from search.trainable import with_data

    chosen = allot(study.resources, ray.cluster_resources())
    trainable = with_data(study, group.classes, chosen.runtime, development)
    resources = {"cpu": chosen.cpus_per_trial, "gpu": chosen.gpus_per_trial}
    tuner = tune.Tuner(
        tune.with_resources(trainable, resources),
        tune_config=tune.TuneConfig(
            metric=METRIC,
            mode="max",
            search_alg=JournalSearcher(journal),
            scheduler=build_scheduler(
                study.scheduler, epochs=study.epochs, history=journal.history()
            ),
            num_samples=journal.to_hand_out(),
            max_concurrent_trials=chosen.at_once,
            time_budget_s=time_left,
            reuse_actors=True,
            trial_dirname_creator=_trial_folder,
        ),
        run_config=tune.RunConfig(
            name=_next_run(folder, group),
            storage_path=str(folder.tune),
            callbacks=[watch],
            verbose=0,
            # One alone can be lost by a kill in the moment it replaces the one before.
            checkpoint_config=tune.CheckpointConfig(num_to_keep=2),
            failure_config=tune.FailureConfig(max_failures=_LOST_WORKERS),
        ),
    )
    tuner.fit()


def _trial_folder(trial: Any) -> str:
    return str(trial.config["trial_id"])


def _next_run(folder: StudyFolder, group: ClassGroup) -> str:
    # Every process writes to a folder of its own, so that none overwrites an older checkpoint.
    name = _safe(group.name)
    earlier = [path.name.rpartition("-")[2] for path in folder.tune.glob(f"{name}-*")]
    last = max((int(number) for number in earlier if number.isdigit()), default=0)
    return f"{name}-{last + 1:03d}"


def _journal(study: Study, group: ClassGroup, folder: StudyFolder) -> Journal:
    from search.journal import Journal

    return Journal(folder.journal, study, group.prefix)


def _time_left(study: Study, folder: StudyFolder) -> float | None:
    return None if study.budget.time is None else study.budget.time - folder.seconds_used()


def _must_validate(group: ClassGroup, development: Development) -> None:
    blind = [name for name in group.classes if not development.can_validate(name)]
    if blind:
        raise DataError(
            f"no labelled anomalies to validate class {', '.join(blind)} on; search with"
            " --objective label-free, or add labelled images of other classes to the train part"
        )


def _safe(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._") else "_" for c in name)


@contextmanager
def _signals_put_back() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _counted(folder: StudyFolder, started: float) -> Iterator[Any]:
    earlier = folder.seconds_used()

    def count() -> None:
        folder.use_seconds(earlier + time.monotonic() - started)

    try:
        yield count
    finally:
        count()
