"""What a study may be called: its name is a folder's and part of addresses and commands."""

from __future__ import annotations

import re

from memgan.errors import StudyError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
RULE = (
    "a name is made of letters, digits, '-', '_' and '.', begins with a letter or a digit, and has"
    " at most 100 of them"
)


def is_study_name(name: str) -> bool:
    """Whether a study may be called so."""
    return _NAME.fullmatch(name) is not None


def check_study_name(name: str) -> None:
    """StudyError for what no study can be called, a path above all."""
    if not is_study_name(name):
        raise StudyError(f"{name!r} is no study's name: {RULE}")
