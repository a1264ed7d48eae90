"""The ~ at the beginning of a path, wherever one is given: no shell expands it behind a `=` or
in quotes."""

from __future__ import annotations

import os
from pathlib import Path

from memgan.errors import BadInput


def expanded(path: Path) -> Path:
    """The path with a ~ or ~USER at its beginning replaced by the home folder. BadInput where
    that user has none."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise BadInput(
            f"{path}: there is no such home folder; write ./{path} for a file of this name"
        ) from None


def expanded_argument(argument: str) -> str:
    """An argument of a command as `--option=~/x` and `~/x` would be had the shell expanded it;
    as with a shell, the home of somebody who is not known stays as it is."""
    option, equals, value = argument.partition("=")
    if option.startswith("--") and equals:
        return f"{option}={os.path.expanduser(value)}"  # noqa: PTH111  # it leaves unknown homes
    return os.path.expanduser(argument)  # noqa: PTH111
