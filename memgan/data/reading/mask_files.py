"""Masks in files: what is brighter than half of the brightest pixel is anomalous."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memgan.data.masks import Mask
from memgan.data.reading.opening import opened_image
from memgan.data.reading.pixels import plain
from memgan.errors import DataError
from memgan.text import visible

_TURNED = range(5, 9)
"""The orientations of Exif that exchange height and width."""
_ORIENTATION = 0x0112


def read_mask(path: Path, image: Path) -> Mask:
    """The mask in a file, of the size of its image's file. DataError for one that cannot be read,
    and for one of another size."""
    try:
        with opened_image(path) as opened:
            values = np.asarray(plain(opened).convert("L"))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        reason = " ".join(str(error).split())
        raise DataError(
            visible(f"unreadable mask {path} ({reason}); mend it, or remove it")
        ) from None
    height, width = size_of(image)
    if values.shape != (height, width):
        raise DataError(
            visible(
                f"mask {path} is {values.shape[0]}×{values.shape[1]} and its image {image}"
                f" {height}×{width} (height×width); give a mask of the image's own size"
            )
        )
    return Mask.of(values > values.max() / 2)


def size_of(image: Path) -> tuple[int, int]:
    """Height and width of an image's file, upright, by its header. DataError where there is none
    that can be read."""
    try:
        with opened_image(image) as opened:
            width, height = opened.size
            turned = opened.getexif().get(_ORIENTATION) in _TURNED
    except Exception as error:
        reason = " ".join(str(error).split())
        raise DataError(
            visible(f"unreadable image {image} ({reason}); mend or remove it")
        ) from None
    return (width, height) if turned else (height, width)
