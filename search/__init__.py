"""The search: studies, trials, finals and the mounted command line.

What is exported here is imported on first use, so that `memgan --help` is free of Ray.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.neighbours import claim_neighbours

claim_neighbours()

if TYPE_CHECKING:
    from search.conduct import resume, run
    from search.export_again import export_study
    from search.register import register_study
    from search.study import Study
    from search.study_result import StudyResult

_HOMES = {
    "Study": "search.study",
    "StudyResult": "search.study_result",
    "export_study": "search.export_again",
    "register_study": "search.register",
    "resume": "search.conduct",
    "run": "search.conduct",
}

__all__ = ["Study", "StudyResult", "export_study", "register_study", "resume", "run"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
