"""Names of classes: their order, and what they must not be."""

from __future__ import annotations

import re
from collections.abc import Iterable

from memgan.errors import DataError

# Names become folders of bundles and metric names such as val_auroc/<class>, options join them by
# commas, and these two words mean something else in both.
_ALLOWED = re.compile(r"\w[\w. +()-]*")
_TAKEN = ("all", "mean")
_LONGEST = 200
"""Bytes of a name, so that with a seed behind it a file system takes it as a folder's."""


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct names, by value where all are whole numbers, else by spelling."""
    distinct = set(names)
    if all(re.fullmatch(r"-?[0-9]+", name) for name in distinct):
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    return tuple(sorted(distinct))


def check_class_names(names: Iterable[str], where: str) -> None:
    """DataError for a name that could not be a folder, a metric or an option."""
    for name in names:
        if name in _TAKEN:
            raise DataError(f"{where}: a class may not be called {name!r}; rename it")
        if len(name.encode(errors="replace")) > _LONGEST:
            raise DataError(
                f"{where}: class name {name[:20]}… is longer than {_LONGEST} bytes; rename it"
            )
        if not _ALLOWED.fullmatch(name) or name != name.strip():
            raise DataError(
                f"{where}: class name {name!r}; allowed are letters, digits, and _ . + - ( ) or"
                " blanks inside; rename it"
            )
