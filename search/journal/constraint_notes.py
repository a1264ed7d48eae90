"""What the journal keeps of a trial's health, and how Optuna's samplers learn of constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from search.study import Constraint, broken, excesses

if TYPE_CHECKING:
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

_OPTUNAS = "constraints"
"""Where Optuna keeps, among a trial's own attributes, how far it is beyond each bound."""


def note_health(
    storage: JournalStorage,
    trial: int,
    constraints: Mapping[str, Constraint],
    health: Mapping[str, float],
) -> dict[str, float]:
    """Write down a trial's health, a mean over its classes by measure, and how far it is beyond
    each bound; gives those that it does not fulfil. trial: Optuna's own key of it."""
    if health:
        storage.set_trial_user_attr(trial, "health", dict(health))
    found, unmet = excesses(constraints, health), broken(constraints, health)
    if found:
        storage.set_trial_system_attr(trial, _OPTUNAS, list(found.values()))
        storage.set_trial_user_attr(trial, "broken", unmet)
    return unmet


def noted_excesses(trial: FrozenTrial) -> Sequence[float]:
    """How far a trial is beyond each bound, as it was noted: Optuna's `constraints_func`."""
    return tuple(trial.system_attrs.get(_OPTUNAS, ()))


def copied_excesses(trial: FrozenTrial) -> dict[str, Sequence[float]]:
    """The same as attributes for another trial of Optuna's, which picks its best by them."""
    return {_OPTUNAS: trial.system_attrs[_OPTUNAS]} if _OPTUNAS in trial.system_attrs else {}
