"""What may differ when a study is resumed: how much is searched, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memgan.errors import StudyError
from search.study import STUDY_OPTIONS, Study
from search.workflow.preparation import anchored

_MAY_DIFFER = {option.name: option.flag for option in STUDY_OPTIONS if option.may_differ}
"""On resume: how much is searched, and with what; never what is asked."""
_FLAGS = {option.name: option.flag for option in STUDY_OPTIONS}


def extended(study: Study, options: dict[str, Any], settings: Sequence[str]) -> Study:
    """`study` with a larger budget or other resources. StudyError, naming it, for any option or
    setting that would change what is searched, and for a smaller budget."""
    given = {key: value for key, value in options.items() if value is not None}
    more = {key: given.pop(key) for key in _MAY_DIFFER if key in given}
    for key, value in given.items():
        if anchored(study.with_options(**{key: value})) != study:
            raise StudyError(
                f"{_FLAGS[key]} {value} is not study {study.name}'s own; on resume only"
                f" {', '.join(_MAY_DIFFER.values())} may differ"
            )
    elsewhere = study.with_settings(settings) if settings else study
    if elsewhere.model_copy(update={"resources": study.resources}) != study:
        raise StudyError(
            f"--set cannot change study {study.name} on resume, but for resources.KEY; start a new"
            " one"
        )
    larger = elsewhere.with_options(**more)
    if study.scheduler.name == "pbt" and larger.budget.trials > study.budget.trials:
        raise StudyError(
            f"--trials {larger.budget.trials}: the trials of study {study.name} are one"
            " population, which cannot grow once it has begun; start a new study"
        )
    if larger.budget.trials < study.budget.trials:
        raise StudyError(
            f"--trials {larger.budget.trials}: study {study.name} has a budget of"
            f" {study.budget.trials} already; give that or more"
        )
    return larger
