"""A group's trials as an Optuna study of their own, with the study's name and the parameters' own
values. The journal itself keeps places in lists of numbers, and what a resumed search needs.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from memgan.errors import StudyError
from search.journal.constraint_notes import copied_excesses
from search.journal.journal import read_studies
from search.journal.untried import decoded
from search.study import DIRECTIONS, INDEX_SUFFIX, Ordered, Space, Study
from tracking.address import one_line

_TOLD = (
    *("val_auroc", "val_auroc_sd", "made_auroc", "objectives", "stopped_by", "error"),
    *("health", "broken"),
)
"""Of a trial's notes those that mean something outside of memgan."""


def copy_for_optuna(
    journal: Path,
    study: Study,
    name: str,
    prefix: str = "",
    storage: str | BaseStorage | None = None,
) -> optuna.Study:
    """The trials of one group as a study `name` in `storage`, by default in memory.

    Numbers, states, values by epoch and times are the journal's. A parameter that is a list of
    numbers has its values as categories; of a population, values are those that a trial began
    with. The journal is not changed. StudyError where the storage cannot be used, or has a study
    of that name.
    """
    found = read_studies(journal).get(prefix)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    copy = _made(storage, name, study)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        copy.set_metric_names(list(study.objectives))
    for trial in found.get_trials(deepcopy=False) if found else ():
        copy.add_trial(_plain(trial, study.search_space, prefix))
    return copy


def _made(storage: str | BaseStorage | None, name: str, study: Study) -> optuna.Study:
    directions = [DIRECTIONS[objective] for objective in study.objectives]
    try:
        return optuna.create_study(storage=storage, study_name=name, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:
        raise StudyError(
            f"the storage has a study {name} already; remove that one, or give another storage"
        ) from None
    except Exception as error:  # Of the database, its driver, or what reads the address.
        raise StudyError(
            f"the storage cannot be used ({one_line(error)}); give one such as sqlite:///copy.db,"
            " or none for a copy in memory"
        ) from None


def _plain(trial: FrozenTrial, space: Space, prefix: str) -> FrozenTrial:
    notes = {key: trial.user_attrs[key] for key in _TOLD if key in trial.user_attrs}
    fixed = trial.system_attrs.get("fixed_params")
    several = trial.values is not None and len(trial.values) > 1
    return FrozenTrial(
        number=trial.number,
        state=trial.state,
        value=None if several else trial.value,
        values=trial.values if several else None,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=_params(space, trial.params),
        distributions=_distributions(space, trial.distributions),
        user_attrs={"trial": f"{prefix}{trial.number:04d}", **notes},
        system_attrs={
            **({} if fixed is None else {"fixed_params": decoded(space, fixed)}),
            **copied_excesses(trial),
        },
        intermediate_values=dict(trial.intermediate_values),
        trial_id=trial._trial_id,
    )


def _params(space: Space, stored: Mapping[str, Any]) -> dict[str, Any]:
    listed = {key: _list_of(space, key) for key in stored}
    return {
        _name(key): entry.values[value] if (entry := listed[key]) else value
        for key, value in stored.items()
    }


def _distributions(
    space: Space, stored: Mapping[str, BaseDistribution]
) -> dict[str, BaseDistribution]:
    return {
        _name(key): CategoricalDistribution(entry.values)
        if (entry := _list_of(space, key))
        else distribution
        for key, distribution in stored.items()
    }


def _name(key: str) -> str:
    return key.removesuffix(INDEX_SUFFIX)


def _list_of(space: Space, key: str) -> Ordered | None:
    """The list of numbers that a value in the journal is a place in."""
    entry = space.get(_name(key)) if key.endswith(INDEX_SUFFIX) else None
    return entry if isinstance(entry, Ordered) else None
