"""What a study searches for: one objective, or several that are weighed by their Pareto front; and
the constraints that bind the winner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import model_validator

from memgan.config import Frozen
from memgan.errors import ConfigError, unknown_name

Objective = Literal[
    "val-auroc", "label-free", "scoring-seconds", "address_perplexity", "mutual_information"
]
JUDGES: tuple[Objective, ...] = ("val-auroc", "label-free")
"""What AUROC may be measured on: labelled anomalies, or anomalies made from normal images."""

DIRECTIONS: Mapping[str, Literal["maximize", "minimize"]] = {
    "val-auroc": "maximize",  # mean validation AUROC, 0 to 1
    "label-free": "maximize",  # the same, on made anomalies
    "scoring-seconds": "minimize",  # seconds to score a thousand images
    "address_perplexity": "minimize",  # measures of health after the last epoch
    "mutual_information": "minimize",
}
OF_HEALTH: Mapping[str, float] = {"address_perplexity": 1.0, "mutual_information": 1.0}
"""Measures of memory and game that may be an objective, and what each is at its worst: what a trial
has whose measure is not finite."""


def of_health(objectives: Sequence[str], health: Mapping[str, float]) -> dict[str, float]:
    """Those of the objectives that are measures of health. health: means over a trial's classes."""
    return {name: health.get(name, OF_HEALTH[name]) for name in objectives if name in OF_HEALTH}


def read_objective(raw: Any) -> Any:
    """An objective, or several as a tuple, as written in a file ("val-auroc", a list) or an
    option ("val-auroc,scoring-seconds"). ConfigError or UnknownName for what cannot be had."""
    if raw is None:
        return None
    parts = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else raw
    if not isinstance(parts, Sequence) or not parts:
        raise ConfigError(f"objective: expected a name or a list of names, got {raw!r}")
    for name in parts:
        if name not in DIRECTIONS:
            raise unknown_name("objective", str(name), DIRECTIONS)
    if parts[0] not in JUDGES or any(name in JUDGES for name in parts[1:]):
        raise ConfigError(
            "objective: one of val-auroc and label-free must be the first, and only there, as it"
            " decides which trial of the front is trained again"
        )
    if len(set(parts)) < len(parts):
        raise ConfigError("objective: names one twice")
    return parts[0] if len(parts) == 1 else tuple(parts)


_UNKNOWN = 1.0
"""By how much a trial breaks a bound on a measure that it does not have."""


class Constraint(Frozen):
    """Bounds on one measure of memory and game: the mean over a trial's classes after its last
    epoch."""

    at_least: float | None = None
    """The measure is this or more."""
    at_most: float | None = None
    """The measure is this or less."""

    @model_validator(mode="after")
    def _some_bound(self) -> Constraint:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a constraint needs at_least or at_most")
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError("at_least is above at_most, which nothing fulfils")
        return self


Constraints = Mapping[str, Constraint]


def excesses(constraints: Constraints, health: Mapping[str, float]) -> dict[str, float]:
    """By bound ("address_perplexity at most 0.5"), how far a trial is beyond it; 0 or less where it
    fulfils it. A measure that it does not have is beyond each of its bounds."""
    found = {}
    for name, bounds in constraints.items():
        value = health.get(name)
        if bounds.at_most is not None:
            beyond = _UNKNOWN if value is None else value - bounds.at_most
            found[f"{name} at most {bounds.at_most:g}"] = beyond
        if bounds.at_least is not None:
            beyond = _UNKNOWN if value is None else bounds.at_least - value
            found[f"{name} at least {bounds.at_least:g}"] = beyond
    return found


def broken(constraints: Constraints, health: Mapping[str, float]) -> dict[str, float]:
    """Of `excesses` those of bounds that a trial does not fulfil."""
    found = excesses(constraints, health)
    return {bound: beyond for bound, beyond in found.items() if beyond > 0}
