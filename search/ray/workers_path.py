"""Where Ray's workers look for modules: as their driver does, and for our packages never elsewhere.

Ray puts the script's folder and the working folder in front of each worker's path. A user's own
`search.py` or `tracking/` that lies there would hide ours.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

OURS = ("memgan", "tracking", "search")
HOME = str(Path(__file__).resolve().parents[2])
"""The folder that this very package was imported from."""


def workers_path(path: Sequence[str], *, local: bool, home: str = HOME) -> list[str]:
    """The folders that go in front of a worker's own path, the first to be searched first.

    path: the driver's own. local: workers of this machine have it all, in its order; those of a
    cluster have installations of their own, and get from it what no installation holds. Folders
    that hide our packages come behind `home`, or on a cluster are left out.
    """
    folders = list(dict.fromkeys(str(Path(folder).absolute()) for folder in path))
    hiding = [folder for folder in folders if folder != home and _hides(folder)]
    clear = [folder for folder in folders if folder not in hiding]
    if home not in clear:
        clear.append(home)
    if local:
        return [*clear, *hiding]
    return [folder for folder in clear if not _is_installation(folder)]


def _is_installation(folder: str) -> bool:
    """Whether a folder is part of an installation of Python or of packages in it."""
    path = Path(folder)
    python = Path(sysconfig.get_paths()["stdlib"])
    return (
        path.is_relative_to(python)
        or path == python.with_name(f"python{sys.version_info[0]}{sys.version_info[1]}.zip")
        or path.is_relative_to(Path(sys.prefix) / "bin")
        or bool({"site-packages", "dist-packages"} & set(path.parts))
    )


def _hides(folder: str) -> bool:
    found = (Path(folder, name) for name in OURS)
    return any(place.is_dir() or place.with_suffix(".py").exists() for place in found)
