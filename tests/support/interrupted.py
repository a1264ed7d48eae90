"""A search that was interrupted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from search.journal.outcomes import TrialOutcome


@dataclass(frozen=True)
class Interrupted:
    """What a search that got Ctrl-C in its first trial said, and the trials that it left."""

    document: dict[str, Any]
    errors: str
    trials: tuple[TrialOutcome, ...]

    @property
    def go_on(self) -> list[str]:
        """The words of the command that it said to go on with."""
        (line,) = [one for one in self.errors.splitlines() if one.startswith("go on with: ")]
        return shlex.split(line.removeprefix("go on with: ").removeprefix("uv run "))
