"""What a study searches for: one objective, or several that are weighed by their Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from memgan.errors import ConfigError, unknown_name

Objective = Literal["val-auroc", "label-free", "scoring-seconds"]
JUDGES: tuple[Objective, ...] = ("val-auroc", "label-free")
"""What AUROC may be measured on: labelled anomalies, or anomalies made from normal images."""

DIRECTIONS: Mapping[str, Literal["maximize", "minimize"]] = {
    "val-auroc": "maximize",  # mean validation AUROC, 0 to 1
    "label-free": "maximize",  # the same, on made anomalies
    "scoring-seconds": "minimize",  # seconds to score a thousand images
}


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
