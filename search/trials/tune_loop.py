"""The trial loop: all groups of classes searched through Tune, from wherever the journal stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from memgan.errors import DataError, MemganError, OutOfSpace
from search.journal import TrialOutcome, TrialsResult
from search.ray import Allotment
from search.results import StudyFolder, is_full, out_of_space
from search.stopping import handlers_kept
from search.study import ClassGroup, Study
from search.trials.listener import TrialListener

if TYPE_CHECKING:
    from memgan.data import Development
    from search.journal import Journal


def run_trials(
    study: Study,
    groups: Sequence[ClassGroup],
    development: Development,
    folder: StudyFolder,
    listener: TrialListener,
    *,
    progress: TrialListener | None = None,
) -> list[TrialsResult]:
    """Search all groups at once until their budget is spent, the time is up, or SIGINT or
    SIGTERM; gives a result a group.

    Goes on from the study's journal: trials that were cut off are trained on, from their last
    checkpoint, under their own ids; ended ones stay as they are. Where nothing is left to do
    Ray is not touched; else it must be connected. The caller holds the study's lock.

    DataError if a class has no labelled validation; MemganError if Tune itself fails.
    """
    _must_validate(groups, development)

    def trainable(chosen: Allotment) -> Any:
        from search.trials.trainable import Shared, with_data

        classes = {group.name: group.classes for group in groups}
        return with_data(Shared(study, classes, chosen.runtime, development, folder.checkpoints))

    listeners = [listener] if progress is None else [listener, progress]
    return search_groups(study, groups, trainable, folder, listeners)


def search_groups(
    study: Study,
    groups: Sequence[ClassGroup],
    trainable: Callable[[Allotment], Any],
    folder: StudyFolder,
    listeners: Sequence[TrialListener],
) -> list[TrialsResult]:
    """`run_trials` for whatever trains: `trainable` is asked for what Tune shall run once it is
    known what a trial gets."""
    journals = open_journals(study, groups, folder)
    left = None if study.budget.time is None else study.budget.time - folder.seconds_used()
    if all(journal.exhausted() for journal in journals.values()):
        return [TrialsResult(tuple(journal.outcomes())) for journal in journals.values()]
    if left is not None and left <= 0:
        return [
            TrialsResult(tuple(journal.outcomes()), timed_out=True) for journal in journals.values()
        ]

    from search.trials.announcer import Announcer
    from search.trials.tune_run import TuneRun

    started = time.monotonic()
    with _counted(folder, started) as count:
        run = TuneRun(study, folder, journals, trainable, listeners, count)
        while True:
            rest = None if left is None else max(1.0, left - (time.monotonic() - started))
            with _ended_in_order(folder, journals), handlers_kept():
                verdict = run.run(rest)
            is_up = left is not None and time.monotonic() - started >= left
            again = verdict.to_try_again and not all(j.exhausted() for j in journals.values())
            if verdict.interrupted or is_up or not again:
                break
    results = [
        TrialsResult(
            tuple(journal.outcomes()),
            interrupted=verdict.interrupted,
            timed_out=is_up and not verdict.interrupted and not journal.exhausted(),
        )
        for journal in journals.values()
    ]
    announcer = Announcer(study, journals, listeners)
    for result in results:
        if result.timed_out:
            announcer.time_is_up(result.outcomes)
    return results


def open_journals(
    study: Study, groups: Sequence[ClassGroup], folder: StudyFolder
) -> dict[ClassGroup, Journal]:
    """The groups' journals, to write; the caller holds the study's lock."""
    from search.journal import Journal, PopulationJournal, open_to_write

    kind = PopulationJournal if study.scheduler.name == "pbt" else Journal
    storage = open_to_write(folder.journal)
    return {group: kind(storage, study, group.prefix) for group in groups}


def read_outcomes(group: ClassGroup, folder: StudyFolder) -> list[TrialOutcome]:
    """What became of a group's trials so far; changes nothing, also beside a running driver."""
    from search.journal import read_outcomes as read

    return read(folder.journal, group.prefix)


@contextmanager
def _ended_in_order(folder: StudyFolder, journals: Mapping[ClassGroup, Journal]) -> Iterator[None]:
    """Faults become lines; at the end trials that nobody trains any more wait."""
    full = False
    try:
        yield
    except MemganError as error:
        full = isinstance(error, OutOfSpace)
        raise
    except Exception as error:
        line = " ".join(str(error).split()) or type(error).__name__
        full = is_full(error)
        if full:
            raise OutOfSpace(out_of_space(line, folder.go_on_command())) from None
        raise MemganError(
            f"the search ended by a fault: {line[-500:]}; go on with: {folder.go_on_command()}"
        ) from error
    finally:
        # A full disk may have left half a line in the journal, which nothing must be put behind;
        # the next process mends it, and parks.
        if not full:
            for journal in journals.values():
                journal.park()


def _must_validate(groups: Sequence[ClassGroup], development: Development) -> None:
    names = [name for group in groups for name in group.classes]
    blind = [name for name in names if not development.can_validate(name)]
    if blind:
        raise DataError(
            f"no labelled anomalies to validate class {', '.join(blind)} on; search with"
            " --objective label-free, or add labelled images of other classes to the train part"
        )


@contextmanager
def _counted(folder: StudyFolder, started: float) -> Iterator[Callable[[], None]]:
    earlier = folder.seconds_used()

    def count() -> None:
        # What a full disk does not take, the next call brings.
        with suppress(OSError):
            folder.use_seconds(earlier + time.monotonic() - started)

    try:
        yield count
    finally:
        count()
