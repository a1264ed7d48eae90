"""Groups of normal classes that are searched as one, as the protocol says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memgan.errors import unknown_name
from search.outcome import TrialOutcome
from search.study import Study


@dataclass(frozen=True)
class ClassGroup:
    """Normal classes that are searched as one: all of a shared study, one of a per-class one."""

    name: str
    """The class, or "all"."""
    classes: tuple[str, ...]
    prefix: str
    """In front of the trial numbers: "" or "CLASS-"."""


def class_groups(study: Study, known: Sequence[str]) -> list[ClassGroup]:
    """The groups of a study; `known` are the classes that can be normal (`Split.normal_classes`).

    UnknownName for a class that is not among them.
    """
    classes = tuple(known) if study.normal_class == "all" else study.normal_class
    for name in classes:
        if name not in known:
            raise unknown_name("normal class", name, known)
    if study.protocol == "shared":
        return [ClassGroup("all", classes, "")]
    return [ClassGroup(name, (name,), f"{safe_name(name)}-") for name in classes]


def safe_name(name: str) -> str:
    """A class's name as a part of a file name or a trial id."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._") else "_" for c in name)


def outcomes_by_group(groups: Sequence[ClassGroup], journal: Path) -> dict[str, list[TrialOutcome]]:
    """The study's trials by the name of their group of classes."""
    from search.journal import read_groups

    found = read_groups(journal)
    return {group.name: found.get(group.prefix, []) for group in groups}
