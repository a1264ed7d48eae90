"""The options of a study on the command line, made from the one table of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from search.study import STUDY_OPTIONS


def with_study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `**options` an option for each entry of `STUDY_OPTIONS`.

    They stand where the command's own parameter `resume_or_start` ends, in the table's order; one
    that is not given arrives as None.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    made = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[
                option.kind | None,
                typer.Option(option.flag, metavar=option.metavar, help=option.help),
            ],
        )
        for option in STUDY_OPTIONS
    ]
    place = 1 + [p.name for p in own].index("resume_or_start")
    changed: Any = command
    changed.__signature__ = signature.replace(parameters=[*own[:place], *made, *own[place:]])
    return command
