"""A command as it can be pasted into the user's shell."""

from __future__ import annotations

import os
import re
import shlex

_NEEDS_ESCAPES = re.compile(r"[^\S ]|(?<= ) |^ | $|[^\w\s!-~]")


def _prefix() -> str:
    """What must stand before `memgan` in a command for this user's shell."""
    return "uv run " if "UV" in os.environ else ""


def shell_command(*words: str) -> str:
    """A command as it can be pasted into this user's shell, whatever its words hold."""
    return _prefix() + " ".join(map(quoted, words))


def quoted(word: str) -> str:
    r"""One word for a shell. Blanks in a row and characters that do not print are written as
    escapes, as a message is printed on one line."""
    if not _NEEDS_ESCAPES.search(word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _NEEDS_ESCAPES.sub(_escaped, escaped) + "'"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(found.group()))
