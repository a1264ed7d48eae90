"""Where a study ends: by trials, by time, or by whichever comes first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from memgan.config import Frozen
from memgan.errors import ConfigError
from memgan.proposals import MOST_TRIALS

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Budget(Frozen):
    """Where a study ends: whichever comes first."""

    trials: int = Field(12, ge=1)
    """The number of trials: in the whole study if the protocol is shared, for each class if it is
    per-class. If only `time` is given, it alone ends the study, or 1000 trials do."""
    time: float | None = Field(None, gt=0)
    """The most seconds over all invocations, written 90s, 30m, 4h or 2d."""

    @property
    def words(self) -> str:
        """The trials, or the time where it alone was asked for."""
        if self.time is not None and self.trials == MOST_TRIALS:
            return f"as many trials as {self.time:g} s are enough for,"
        return f"{self.trials} trials"

    @field_validator("time", mode="before")
    @classmethod
    def _in_seconds(cls, value: Any) -> Any:
        return parse_duration(value) if isinstance(value, str) else value


def by_time_alone(budget: Any) -> Any:
    """The budget of a study as it is written; where it has a time and no trials, with as many
    trials as no such time is enough for."""
    if isinstance(budget, Mapping) and budget.get("time") and "trials" not in budget:
        return {**budget, "trials": MOST_TRIALS}
    return budget


def parse_duration(text: str) -> float:
    """Seconds of "90s", "30m", "4h", "2d" or a plain number. ConfigError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    if not found:
        raise ConfigError(f"time {text!r} is no duration; write 90s, 30m, 4h or 2d")
    return float(found[1]) * _SECONDS[found[2] or "s"]
