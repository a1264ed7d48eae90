"""Whether a data set fits the memory that is free, known before any image is read."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from memgan.data.images import LARGEST, SMALLEST, Pixels
from memgan.data.reading.opening import read_header
from memgan.errors import DataError
from memgan.machine import machine_share

COPIES = 3
"""Of all images, at the most, that are in memory together while they are loaded and split."""

Shape = tuple[int, int, int]


def check_files_room(
    paths: Sequence[Path], image_size: tuple[int, int] | None, channels: int | None
) -> None:
    """DataError where the images at `paths` would take more memory than is free.

    image_size: (height, width) that they are brought to, None keeps their own; channels likewise.
    Looks only at headers. Files that cannot be opened are passed over: whoever reads them tells.
    """
    if image_size is not None and _fits(len(paths), (channels or 3, *image_size)):
        return
    headers = [header for path in paths if (header := read_header(path))]
    if not headers:
        return
    planes = channels or (1 if all(header.grey for header in headers) else 3)
    sizes = Counter(image_size or header.size for header in headers)
    ((height, width), _), *_ = sizes.most_common(1)
    shape = (planes, height, width)
    values = planes * sum(math.prod(size) * count for size, count in sizes.items())
    where = os.path.commonpath([header.path for header in headers])
    _check(values, len(headers), shape, where)


def check_room(count: int, shape: Shape, where: str) -> None:
    """DataError where `count` images in (C, H, W) `shape` would take more memory than is free.

    Where the system does not tell how much is free, everything fits.
    """
    _check(count * math.prod(shape), count, shape, where)


def check_array_room(
    images: Pixels, image_size: tuple[int, int] | None, channels: int | None, where: str
) -> None:
    """`check_room` for images uint8 (N, C, H, W) before they are brought to a size and channels."""
    count, given, height, width = images.shape
    check_room(count, (channels or given, *(image_size or (height, width))), where)


def check_bytes(needed: int, what: str, remedy: str) -> None:
    """DataError where so many bytes are not free. what: would take them. remedy: what to do."""
    free = machine_share().free_memory
    if free is not None and needed > free:
        raise DataError(
            f"{what} would take {_amount(needed)} of memory, and {_amount(free)} are free; {remedy}"
        )


def _check(values: int, count: int, shape: Shape, where: str) -> None:
    if math.prod(shape) > LARGEST:
        raise DataError(
            f"{where}: images are {_shown(shape)}, more than {LARGEST} values; set a smaller"
            " data.image_size"
        )
    what = f"{where}: {count} image{'s' * (count != 1)} of {_shown(shape)}"
    check_bytes(COPIES * values, what, _remedy(count, shape[0]))


def _fits(count: int, shape: Shape) -> bool:
    free = machine_share().free_memory
    values = math.prod(shape)
    return values <= LARGEST and (free is None or COPIES * count * values <= free)


def _remedy(count: int, planes: int) -> str:
    free = machine_share().free_memory or 0
    side = math.isqrt(min(LARGEST, free // (COPIES * count)) // planes) if count else 0
    if side < SMALLEST:
        return "give fewer images"
    grey = ", or data.channels=1" if planes == 3 else ""
    return f"set data.image_size to {side} or less{grey}"


def _shown(shape: Shape) -> str:
    return f"{'×'.join(map(str, shape))} (C×H×W)"


def _amount(amount: int) -> str:
    unit, name = (2**30, "GiB") if amount >= 2**30 else (2**20, "MiB")
    return f"{amount / unit:.1f} {name}"
