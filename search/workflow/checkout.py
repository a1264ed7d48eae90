"""The commit of this program's own checkout, for the record."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SECONDS = 5


def own_commit(module: Path = Path(__file__)) -> str | None:
    """The commit that `module` is of, or None where it is in no checkout of this program.

    An installed package often lies in a virtual environment inside a checkout of something else,
    whose commit says nothing of this program: only one counts that tracks the module, at the
    place where ours has it.
    """
    module = module.resolve()
    root = module.parent.parent
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root:
        return None
    if _git(root, "ls-files", "--error-unmatch", "--", str(module)) is None:
        return None
    return _git(root, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str | None:
    # In a hook, and in some editors, these variables name another repository.
    environment = {name: v for name, v in os.environ.items() if not name.startswith("GIT_")}
    try:
        found = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return found.stdout.strip() or None
