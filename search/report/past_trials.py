"""The trials of a study that ran, or that is running, for Python: as a pandas table and as a study
of Optuna. Neither needs the study's images, Ray or the tracking store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from memgan.errors import StudyError, unknown_name
from search.journal import TrialOutcome, check_journal, copy_for_optuna, read_groups
from search.report.trials_frame import frame_of_trials
from search.results import StudyFolder, read_beginning, to_look_at
from tracking import Outbox, names

if TYPE_CHECKING:
    import optuna
    import pandas
    from optuna.storages import BaseStorage


def trials_dataframe(name: str, *, results: Path | str = "results") -> pandas.DataFrame:
    """All trials of a study, a row each; see `search.report.frame_of_trials` for the columns.

    StudyError where there is no such study, JournalDamaged where its trials cannot be read.
    """
    return study_frame(_opened(name, results))


def optuna_study(
    name: str,
    *,
    results: Path | str = "results",
    normal_class: str | None = None,
    storage: str | BaseStorage | None = None,
) -> optuna.Study:
    """A study's trials as a study of Optuna, a copy with the study's own name and values.

    normal_class: whose trials, where each class was searched by itself. storage: where the copy
    is written, as `optuna.create_study` takes it; by default it is in memory. What is done with
    the copy does not change the study. StudyError where there is no such study, and where a class
    must be named; UnknownName for one that was not searched.
    """
    return study_for_optuna(_opened(name, results), normal_class, storage)


def study_frame(folder: StudyFolder) -> pandas.DataFrame:
    """As `trials_dataframe`, of a study's folder."""
    study, study_id = folder.load(), folder.study_id
    trials = _by_group(folder)
    ids = [outcome.trial_id for of_group in trials.values() for outcome in of_group]
    keys = {trial_id: names.trial_key(study_id, trial_id) for trial_id in ids}
    run_ids, seconds = _of_record(folder, keys)
    return frame_of_trials(study, trials, run_ids, seconds)


def _of_record(
    folder: StudyFolder, keys: Mapping[str, str]
) -> tuple[dict[str, str | None], dict[str, float]]:
    """The runs' ids and their seconds of training, by trial; none where the outbox is lost."""
    if not folder.outbox.is_file():
        return {}, {}
    outbox = Outbox(folder.outbox)
    try:
        run_ids = {trial_id: outbox.run_id(key) for trial_id, key in keys.items()}
        trained = outbox.summed(names.SECONDS)
    except sqlite3.Error:  # The trials themselves are in the journal.
        return {}, {}
    return run_ids, {trial: trained[key] for trial, key in keys.items() if key in trained}


def study_for_optuna(
    folder: StudyFolder, normal_class: str | None = None, storage: str | BaseStorage | None = None
) -> optuna.Study:
    """As `optuna_study`, of a study's folder."""
    study, prefixes = folder.load(), _prefixes(folder)
    check_journal(folder)
    if study.protocol == "shared":
        if normal_class not in (None, "all"):
            raise StudyError(
                f"study {study.name} searched its classes as one; leave normal_class out"
            )
        return copy_for_optuna(folder.journal, study, study.name, storage=storage)
    if normal_class is None:
        raise StudyError(
            f"study {study.name} searched each class by itself; say which one with normal_class:"
            f" {', '.join(prefixes)}"
        )
    if normal_class not in prefixes:
        raise unknown_name("normal class", normal_class, prefixes)
    named = f"{study.name}, class {normal_class}"
    return copy_for_optuna(folder.journal, study, named, prefixes[normal_class], storage)


def _opened(name: str, results: Path | str) -> StudyFolder:
    folder = to_look_at(StudyFolder.at(results, name))
    folder.load()
    return folder


def _by_group(folder: StudyFolder) -> dict[str, Sequence[TrialOutcome]]:
    check_journal(folder)
    groups = read_groups(folder.journal)
    return {name: groups.get(prefix, []) for name, prefix in _prefixes(folder).items()}


def _prefixes(folder: StudyFolder) -> dict[str, str]:
    """In front of trial numbers, by the name of the group of classes."""
    begun = read_beginning(folder.path)
    if begun is not None:
        return begun.prefixes or {"all": ""}
    return {prefix.removesuffix("-") or "all": prefix for prefix in read_groups(folder.journal)}
