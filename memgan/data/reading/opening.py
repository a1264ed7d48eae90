"""Image files, opened: Pillow has read the header, and no pixel yet."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

MOST_PIXELS = 89_478_485
"""An image may have; Pillow's own limit. More are a bomb: a small file, and gigabytes to fill."""

# Of those that Pillow could open besides, one starts a program (EPS, Ghostscript).
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)
"""The key of EXIF, and those of its values by which height and width change places."""

# Pillow warns of a bomb where we refuse it.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Header:
    """What a file says of its image."""

    path: Path
    size: tuple[int, int]
    """Height and width as they are stored, before the image is turned upright."""
    grey: bool
    """Whether it becomes one channel; an image with a palette may be grey and not say so."""


@contextmanager
def opened_image(path: Path, most: int = MOST_PIXELS) -> Iterator[Image.Image]:
    """The image in a file, before any pixel is read.

    ValueError for what is no plain file or has more than `most` pixels. Pillow raises nearly
    anything besides on damaged files.
    """
    check_plain(path)
    with Image.open(path, formats=_FORMATS) as opened:
        if opened.width * opened.height > most:
            raise ValueError(f"{opened.width}×{opened.height} pixels are too many")
        yield opened


def read_header(path: Path) -> Header | None:
    """The header of a file; None where it cannot be opened."""
    try:
        with opened_image(path) as opened:
            return Header(path, (opened.height, opened.width), _is_grey(opened))
    except MemoryError:
        raise
    except Exception:
        return None


def read_upright_size(path: Path) -> tuple[int, int] | None:
    """Height and width of the image in a file once it is turned upright; None where it cannot be
    opened."""
    try:
        with opened_image(path) as opened:
            lies = opened.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE
            return (opened.width, opened.height) if lies else (opened.height, opened.width)
    except MemoryError:
        raise
    except Exception:
        return None


def check_plain(path: Path) -> None:
    """ValueError unless `path` is a plain file, or a link to one. OSError where there is none."""
    # Whoever opens a pipe waits until something is written into it, which may be never.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("a pipe, a socket or a device, and no plain file")


def _is_grey(opened: Image.Image) -> bool:
    if opened.mode == "P" and opened.palette is not None and "transparency" not in opened.info:
        colours = opened.palette.palette
        return opened.palette.rawmode in (None, "RGB") and (
            bytes(colours[0::3]) == bytes(colours[1::3]) == bytes(colours[2::3])
        )
    return opened.mode in ("1", "L", "LA", "La") or opened.mode.startswith("I")
