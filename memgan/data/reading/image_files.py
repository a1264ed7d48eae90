"""Image files, read side by side on threads: Pillow decodes without holding Python's lock."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import UnidentifiedImageError

from memgan.config import ResizePolicy
from memgan.data.images import Flags, Pixels
from memgan.data.reading.opening import opened_image
from memgan.data.reading.pixels import Channels, ImageSize, fit, plain
from memgan.data.reading.room import check_files_room
from memgan.data.reading.white_level import FewGreyLevels
from memgan.errors import DataError
from memgan.machine import usable_cores
from memgan.text import visible

SUFFIXES = (
    ".bmp",
    ".gif",
    ".jfif",
    ".jpe",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".pnm",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)

# Large enough to hide the cost of a task, small enough to stop soon at a fault.
_BATCH = 64
# More threads than cores only fight for Python's lock between two decodings; and each has images
# in hand, which many cores should not multiply.
_THREADS = min(8, usable_cores())

_log = logging.getLogger("memgan")


def read_image(
    path: Path,
    *,
    image_size: ImageSize | None = None,
    channels: Channels | None = None,
    resize: ResizePolicy = "fit",
    white_level: int | None = None,
    few: FewGreyLevels | None = None,
) -> Pixels:
    """One file as uint8 (C, H, W); None keeps its size, and 1 channel for grey, 3 for colour.

    resize: how it comes to image_size, as in `DataConfig`. white_level, few: as those of `plain`.
    DataError names a file that is no readable image.
    """
    try:
        with opened_image(path) as opened:
            return fit(plain(opened, white_level, few), image_size, channels, resize)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise DataError(f"unreadable image {path} ({_reason(error)}); mend or remove it") from None


# Each of its parameters says how files are read.
def read_images(
    paths: Sequence[Path],
    *,
    image_size: ImageSize | None = None,
    channels: Channels | None = None,
    resize: ResizePolicy = "fit",
    white_level: int | None = None,
    unreadable: Literal["refuse", "skip"] = "refuse",
    few: FewGreyLevels | None = None,
) -> tuple[Pixels, Flags]:
    """Files as uint8 (n, C, H, W) in the order given, and bool (N,): True where a file was read.

    channels None is 1 if every file is grey, else 3. resize: as in `DataConfig`. white_level, few:
    as those of `plain`. DataError names an unreadable file (or, with "skip", a warning on the
    logger `memgan` counts them), two files of unequal size where image_size is None, an empty
    result, and, before any image is read, more images than fit the memory that is free.
    """
    check_files_room(paths, image_size, channels)
    images: list[Pixels] = []
    read = np.zeros(len(paths), dtype=np.bool_)
    first: Path | None = None
    fault: DataError | None = None
    outcomes = decoded(
        paths,
        image_size=image_size,
        channels=channels,
        resize=resize,
        white_level=white_level,
        few=few,
    )
    for index, (path, outcome) in enumerate(outcomes):
        if isinstance(outcome, DataError):
            if unreadable == "refuse":
                raise DataError(f"{outcome}, or set data.unreadable=skip")
            fault = fault or outcome
            continue
        first = first or path
        if images and outcome.shape[1:] != images[0].shape[1:]:
            raise DataError(
                f"images differ in size: {first} is {_size(images[0])}, {path} is"
                f" {_size(outcome)} (height×width); set data.image_size"
            )
        images.append(outcome)
        read[index] = True
    if fault is not None:
        _log.warning(
            "skipped %d of %d images; first: %s", (~read).sum(), len(paths), visible(str(fault))
        )
    if not images:
        raise fault or DataError("no image files were given")
    colour = max(len(image) for image in images)
    return np.stack([np.broadcast_to(i, (colour, *i.shape[1:])) for i in images]), read


# Each of its parameters says how files are read.
def decoded(
    paths: Iterable[Path],
    *,
    image_size: ImageSize | None = None,
    channels: Channels | None = None,
    resize: ResizePolicy = "fit",
    white_level: int | None = None,
    few: FewGreyLevels | None = None,
    ahead: int = _BATCH,
) -> Iterator[tuple[Path, Pixels | DataError]]:
    """Each file with its pixels, as by `read_image`, or with what is wrong with it; in order.

    Decoded side by side on threads, each of which holds at most `ahead` images and as many that
    are done, however many files there are.
    """

    def decode(batch: Sequence[Path]) -> list[tuple[Path, Pixels | DataError]]:
        return [(path, outcome(path)) for path in batch]

    def outcome(path: Path) -> Pixels | DataError:
        try:
            return read_image(
                path,
                image_size=image_size,
                channels=channels,
                resize=resize,
                white_level=white_level,
                few=few,
            )
        except DataError as error:
            return error

    under_way: deque[Future[list[tuple[Path, Pixels | DataError]]]] = deque()
    remaining = iter(paths)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="memgan-images")
    try:
        while True:
            while len(under_way) <= _THREADS:
                batch = list(itertools.islice(remaining, ahead))
                if not batch:
                    break
                under_way.append(pool.submit(decode, batch))
            if not under_way:
                return
            yield from under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def is_image_name(name: str) -> bool:
    """Whether a file of this name is taken for an image; hidden ones are not."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no image that Pillow knows"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _size(image: Pixels) -> str:
    return f"{image.shape[1]}×{image.shape[2]}"
