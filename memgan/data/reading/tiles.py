"""Tiles of a large image file: decoded once, and handed out piece by piece."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from memgan.config import DataConfig, ResizePolicy
from memgan.data.images import Pixels
from memgan.data.reading.opening import MOST_PIXELS, opened_image
from memgan.data.reading.pixels import Channels, fit, plain
from memgan.data.reading.white_level import FewGreyLevels
from memgan.errors import DataError

MOST_TILED_PIXELS = 2 * MOST_PIXELS
"""Of an image that is looked at in tiles; beyond it Pillow refuses."""
_OVERLAP = 8
"""Neighbours share one part in so many of a tile's side."""

Place = tuple[int, int, int, int]
"""Top, left, bottom, right in pixels of the file; the last two are the first outside."""


@dataclass(frozen=True, eq=False)
class TiledImage:
    """A decoded file, and what its tiles are brought to."""

    path: Path
    picture: Image.Image
    image_size: tuple[int, int]
    channels: Channels
    resize: ResizePolicy

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.picture.height, self.picture.width

    def tile(self, place: Place) -> Pixels:
        """uint8 (C, h, w)."""
        top, left, bottom, right = place
        part = self.picture.crop((left, top, right, bottom))
        return fit(part, self.image_size, self.channels, self.resize)


def tile_places(size: tuple[int, int], tile: int) -> Iterator[Place]:
    """Squares of `tile` pixels that cover an image, evenly spread, of which neighbours overlap by
    an eighth at least; a side that is shorter is taken whole."""
    for top, bottom in _line(size[0], tile):
        for left, right in _line(size[1], tile):
            yield top, left, bottom, right


@contextmanager
def tiled(
    path: Path,
    image_shape: tuple[int, int, int],
    config: DataConfig,
    tile: int,
    few: FewGreyLevels | None = None,
) -> Iterator[TiledImage | None]:
    """The image in a file, whose tiles become (C, H, W) `image_shape`; None where no side is longer
    than `tile`. DataError for a file that cannot be read or has too many pixels."""
    channels, height, width = image_shape
    if channels not in (1, 3):
        raise DataError(f"{path}: no file has {channels} channels")
    image = None
    try:
        with opened_image(path, MOST_TILED_PIXELS) as opened:
            if max(opened.size) > tile:
                picture = plain(opened, config.white_level, few)
                image = TiledImage(
                    path, picture, (height, width), 3 if channels == 3 else 1, config.resize
                )
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"unreadable image {path} ({reason}); mend or remove it") from None
    yield image


def _line(length: int, tile: int) -> Iterator[tuple[int, int]]:
    if length <= tile:
        yield 0, length
        return
    step = tile - tile // _OVERLAP
    count = math.ceil((length - tile) / step) + 1
    for number in range(count):
        start = round(number * (length - tile) / (count - 1))
        yield start, start + tile
