"""Masks in files: what is brighter than half of the brightest pixel is anomalous; of a mask that
has no bright pixels, and of one with a palette of colours, all that is not 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from memgan.data.masks import Mask
from memgan.data.reading.opening import opened_image, read_upright_size
from memgan.data.reading.pixels import plain
from memgan.errors import DataError
from memgan.text import visible

_MOST_KINDS = 63
"""In a mask whose pixels are numbers of kinds, 0 where there is no defect."""


def read_mask(path: Path, image: Path) -> Mask:
    """The mask in a file, of the size of its image's file. DataError for one that cannot be read,
    and for one of another size."""
    numbered = False
    try:
        with opened_image(path) as opened:
            numbered = _has_colours(opened)
            if numbered or opened.mode.startswith("I"):  # In 8 bits, 0 and 1 would both be black.
                values = np.asarray(ImageOps.exif_transpose(opened))
            else:
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
    brightest = int(values.max())
    # So few grey levels are numbers of kinds of defects.
    numbered = numbered or brightest <= _MOST_KINDS
    return Mask.of(values > (0 if numbered else brightest / 2))


def size_of(image: Path) -> tuple[int, int]:
    """Height and width of an image's file, upright, by its header. DataError where there is none
    that can be read."""
    if (size := read_upright_size(image)) is None:
        raise DataError(visible(f"unreadable image {image}; mend or remove it"))
    return size


def _has_colours(opened: Image.Image) -> bool:
    """Whether it has a palette of colours: its pixels are then numbers of kinds."""
    if opened.mode != "P":
        return False
    palette = opened.getpalette("RGB") or []
    return not palette[0::3] == palette[1::3] == palette[2::3]
