"""What a study may be called: its name is a folder's and part of addresses and commands."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path

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


def made_name(detector: str, source: str) -> str:
    """A new name, such as "memgan-digits-0312-101500-3f2a", that no other study has."""
    of_images = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source).stem) or "data"
    now = datetime.now().strftime("%m%d-%H%M%S")
    return f"{detector}-{of_images}-{now}-{uuid.uuid4().hex[:4]}"
