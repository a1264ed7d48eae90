"""The command `memgan`, from a name that a user's own files hardly bear.

With an empty entry in PYTHONPATH, or the working folder on it, a user's `search.py` there comes
before our `search`. So that one is imported from the folder that this module lies in.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_HOME = str(Path(__file__).resolve().parent)


def main() -> None:
    """Run the command line of our `search`, whatever else bears its name, and exit."""
    sys.path.insert(0, _HOME)
    try:
        importlib.import_module("search")
    finally:
        sys.path.remove(_HOME)
    from search.cli import main as run

    run()
