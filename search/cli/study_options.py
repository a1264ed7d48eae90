"""The options of a study on the command line, made from the tables of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from search.study import DRIVING_OPTIONS, STUDY_OPTIONS, DrivingOption, Kind, StudyOption


def with_study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `**options` an option for each entry of `STUDY_OPTIONS` and of
    `DRIVING_OPTIONS`.

    Those of the study stand where the command's own parameter `resume_or_start` ends, the others
    after `address`, in the tables' order; one that is not given arrives as None.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    of_study = [_parameter(option, option.kind) for option in STUDY_OPTIONS]
    of_driving = [_parameter(option, str) for option in DRIVING_OPTIONS]
    for name, made in (("address", of_driving), ("resume_or_start", of_study)):
        place = 1 + [p.name for p in own].index(name)
        own[place:place] = made
    changed: Any = command
    changed.__signature__ = signature.replace(parameters=own)
    return command


def _parameter(option: StudyOption | DrivingOption, kind: Kind) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None,
        annotation=Annotated[
            kind | None,
            typer.Option(option.flag, metavar=option.metavar, help=option.help),
        ],
    )
