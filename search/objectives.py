"""What a study searches for: one objective, or several that are weighed by their Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from memgan.errors import ConfigError, unknown_name

Objective = Literal["val-auroc", "scoring-seconds"]

DIRECTIONS: Mapping[str, Literal["maximize", "minimize"]] = {
    "val-auroc": "maximize",  # mean validation AUROC, 0 to 1
    "scoring-seconds": "minimize",  # seconds to score a thousand images
}


def read_objective(raw: Any) -> Any:
    """An objective, or several as a tuple, as written in a file ("val-auroc", a list) or an
    option ("val-auroc,scoring-seconds"). ConfigError or UnknownName for what cannot be had."""
    parts = [part.strip() for part in raw.split(",")] if isinstance(raw, str) else raw
    if not isinstance(parts, Sequence) or not parts:
        raise ConfigError(f"objective: expected a name or a list of names, got {raw!r}")
    for name in parts:
        if name == "label-free":
            raise ConfigError("objective label-free is not available yet; take val-auroc")
        if name not in DIRECTIONS:
            raise unknown_name("objective", str(name), DIRECTIONS)
    if parts[0] != "val-auroc":
        raise ConfigError(
            "objective: val-auroc must be the first, as it decides which trial of the front is"
            " trained anew"
        )
    if len(set(parts)) < len(parts):
        raise ConfigError("objective: names one twice")
    return parts[0] if len(parts) == 1 else tuple(parts)
