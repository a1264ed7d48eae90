"""Groups of normal classes that are searched as one, as the protocol says."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memgan.errors import StudyError, unknown_name
from search.study.study import Study

_LONGEST = 60


@dataclass(frozen=True)
class ClassGroup:
    """Normal classes that are searched as one: all of a shared study, one of a per-class one."""

    name: str
    """The class, or "all"."""
    classes: tuple[str, ...]
    prefix: str
    """In front of the trial numbers: "" or "CLASS-", see `safe_name`."""


def class_groups(
    study: Study, known: Sequence[str], prefixes: Mapping[str, str] | None = None
) -> list[ClassGroup]:
    """The groups of a study; `known` are the classes that can be normal (`Split.normal_classes`).

    prefixes: by class, where the study began with others than are given now. UnknownName for a
    class that is not among them, StudyError where two classes have one prefix.
    """
    classes = tuple(known) if study.normal_class == "all" else study.normal_class
    for name in classes:
        if name not in known:
            raise unknown_name("normal class", name, known)
    if study.protocol == "shared":
        return [ClassGroup("all", classes, "")]
    own = {name: f"{safe_name(name)}-" for name in classes} | dict(prefixes or {})
    _refuse_shared(study.name, {name: own[name] for name in classes})
    return [ClassGroup(name, (name,), own[name]) for name in classes]


def safe_name(name: str) -> str:
    """A class's name as a part of a file name or a trial id; two names never give the same.

    A name of letters, digits, "." and "_" stays as it is; any other, or a long one, is cleaned
    and gains a short hash behind a hyphen, which no name that stayed has.
    """
    cleaned = _cleaned(name)
    if cleaned == name and 0 < len(name) <= _LONGEST and name.strip("."):
        return name
    return f"{cleaned[:_LONGEST].strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def earlier_prefixes(study: Study, known: Sequence[str]) -> dict[str, str]:
    """The prefixes that versions without hashes in their names gave, by class."""
    if study.protocol == "shared":
        return {}
    return {name: f"{_cleaned(name)}-" for name in known}


def _cleaned(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._") else "_" for c in name)


def _refuse_shared(study: str, prefixes: Mapping[str, str]) -> None:
    sharing = defaultdict(list)
    for name, prefix in prefixes.items():
        sharing[prefix].append(name)
    for names in sharing.values():
        if len(names) > 1:
            raise StudyError(
                f"an earlier version searched the classes {' and '.join(names)} of study {study}"
                " as one, and their trials cannot be distinguished; start a new study"
            )
