"""What to say of a path that leads nowhere."""

from __future__ import annotations

from pathlib import Path

from memgan.errors import nearest

_ALIKE = 0.7
"""How alike names in a folder are at least, to be meant: nobody chose them to be told apart."""


def does_not_exist(path: Path, wanted: str) -> str:
    """That `path` does not exist, which folder above it is the first that is missing, what of a
    like name lies there, and what is `wanted`: one line."""
    told = f"{path} does not exist"
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    if missing != path:
        told += f", nor does {missing}"
    near = near_name(missing)
    hint = f" did you mean {near / path.relative_to(missing)}?" if near else ""
    return f"{told};{hint} {wanted}"


def near_name(path: Path) -> Path | None:
    """The path of the nearest name in the folder that `path` would lie in."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return None
    near = nearest(path.name, names, _ALIKE)
    return path.with_name(near) if near else None
