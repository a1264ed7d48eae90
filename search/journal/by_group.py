"""A study's trials by group of classes, as its journal has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from search.journal.journal import read_groups
from search.journal.outcomes import TrialOutcome
from search.study import ClassGroup


def outcomes_by_group(groups: Sequence[ClassGroup], journal: Path) -> dict[str, list[TrialOutcome]]:
    """The study's trials by the name of their group of classes."""
    found = read_groups(journal)
    return {group.name: found.get(group.prefix, []) for group in groups}
