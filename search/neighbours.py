"""Our other packages come from where this one does, whatever else bears their names.

In a notebook, and for `python script.py`, Python looks into the working folder first: a user's own
`tracking/` there would be imported beside our `search`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_HOME = Path(__file__).resolve().parents[1]


def claim_neighbours() -> None:
    """Import `memgan` and `tracking` from the folder that `search` lies in.

    ImportError, which names the file, where others of these names are in this process already.
    """
    sys.path.insert(0, str(_HOME))
    try:
        for name in ("memgan", "tracking"):
            module = importlib.import_module(name)
            where = module.__file__ or str(*module.__path__)
            if not Path(where).resolve().is_relative_to(_HOME / name):
                raise ImportError(
                    f"another module named {name} is loaded already ({where}), and memgan has a"
                    " package of this name; rename yours, or import memgan in another process"
                )
    finally:
        sys.path.remove(str(_HOME))
