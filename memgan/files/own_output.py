"""Files that a command is asked to write: an earlier one of ours is replaced, no other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from memgan.errors import BadInput
from memgan.files.made_files import is_plain_file

MAKER = "memgan"
"""What a picture of ours names as its software."""


def check_output(path: Path, is_ours: Callable[[Path], bool]) -> Path:
    """Where to write, links resolved. BadInput if something is there that `is_ours` does not know
    for one of ours; an empty file may be written to."""
    real = path.resolve()
    if not real.exists():
        return real
    if is_plain_file(real):
        with suppress(OSError, ValueError):
            if real.stat().st_size == 0 or is_ours(real):
                return real
    raise BadInput(f"{path} exists, and memgan did not write it; remove it, or give another --out")


def begins_with(text: str) -> Callable[[Path], bool]:
    """Whether a file begins so."""

    def begins(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(len(text.encode())) == text.encode()

    return begins


def is_our_picture(path: Path) -> bool:
    """Whether a PNG says that it is of this program."""
    from PIL import Image

    with Image.open(path, formats=("PNG",)) as picture:
        return picture.info.get("Software") == MAKER
