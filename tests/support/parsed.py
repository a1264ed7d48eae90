"""Commands that stand in files of other kinds, read by memgan's own parser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from search.cli.app import app


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """The parameters of `memgan WORDS`, which is not run; fails where it cannot be parsed."""
    program, name, *arguments = words
    assert program == "memgan", words
    command: Any = typer.main.get_command(app)
    found: dict[str, Any] = command.commands[name].make_context(name, arguments).params
    return found
