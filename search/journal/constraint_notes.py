"""What the journal keeps of a trial's health, and how Optuna's samplers learn of constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from search.study import Constraint, excesses

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
    found = excesses(constraints, health)
    broken = {bound: beyond for bound, beyond in found.items() if beyond > 0}
    if found:
        storage.set_trial_system_attr(trial, _OPTUNAS, list(found.values()))
        storage.set_trial_user_attr(trial, "broken", broken)
    return broken


def noted_excesses(trial: FrozenTrial) -> Sequence[float]:
    """How far a trial is beyond each bound, as it was noted: Optuna's `constraints_func`."""
    return tuple(trial.system_attrs.get(_OPTUNAS, ()))
