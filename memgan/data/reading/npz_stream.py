"""One array of images in an .npz file, read a few at a time, however many there are.

numpy.load would unpack all of it. An .npz is a zip of .npy files, and an .npy a header before the
plain values of one image after the other.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from memgan.data.images import Pixels
from memgan.data.reading.npz import (
    Array,
    check_images,
    damaged,
    find_factor,
    no_npz,
    pickled,
    to_pixels,
)
from memgan.data.reading.npz_header import read_array_header
from memgan.data.reading.opening import MOST_PIXELS
from memgan.errors import DataError

_BYTES = 2**24
"""Of an array in memory at a time, or one image."""
_WHOLE = 2**28
"""Bytes of an array by columns that is read at once: its images lie scattered over all of it."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What numpy writes. Of others, LZMA takes as much memory as the file asks for."""


def stream_npz_images(
    path: Path, at_once: int, key: str = "x", white_level: int | None = None
) -> Iterator[Pixels]:
    """The images of one array, without labels, uint8 (n, C, H, W) with n at most `at_once`.

    Layouts and ranges as `load_npz` takes them. An array of other than uint8, or with a
    `white_level`, is read twice, as its range has to be known. DataError for anything else, before
    the first images except where the file turns out to be damaged further on.
    """
    array = _open(path, key)
    factor = 1.0
    if array.dtype != np.uint8 or white_level is not None:
        factor = find_factor(_parts(array, at_once), array.dtype, array.where, white_level)
    for part in _parts(array, at_once):
        yield to_pixels(part, factor, array.where)


@dataclass(frozen=True)
class _Stored:
    """An array as its header tells of it."""

    path: Path
    key: str
    shape: tuple[int, ...]
    by_columns: bool
    dtype: np.dtype[Any]

    @property
    def where(self) -> str:
        return f"{self.path}: {self.key}"

    @property
    def bytes_an_image(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def _open(path: Path, key: str) -> _Stored:
    """The header of the array `key`; DataError unless it tells of images, and of what is there."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{key}.npy")
            if info.compress_type not in _METHODS:
                raise damaged(path, key, "packed by a method that numpy does not use")
            with archive.open(info) as member:
                array = _read_header(member, path, key)
                held = info.file_size - member.tell()
    except KeyError:
        raise DataError(f"{path} has no array {key!r}; save the images under that name") from None
    except (OSError, zipfile.BadZipFile) as error:
        raise no_npz(path, error) from None
    except (ValueError, RuntimeError, NotImplementedError, EOFError) as error:
        raise damaged(path, key, error) from None
    check_images(array.shape, array.dtype, array.where)
    if math.prod(array.shape[1:]) > MOST_PIXELS:
        raise DataError(f"{array.where} has shape {array.shape}: its images have too many pixels")
    told = array.shape[0] * array.bytes_an_image
    if told != held:
        raise damaged(path, key, f"its header tells of {told} bytes, it has {held}")
    if array.by_columns and told > _WHOLE:
        raise DataError(
            f"{array.where} is stored by columns and too large to be read at once; save"
            " numpy.ascontiguousarray of it"
        )
    return array


def _read_header(member: IO[bytes], path: Path, key: str) -> _Stored:
    header = read_array_header(member)
    if header.dtype.hasobject:
        raise pickled(path, key)
    return _Stored(path, key, header.shape, header.by_columns, header.dtype)


def _parts(array: _Stored, at_once: int) -> Iterator[Array]:
    """The array's rows in order, as many at a time as `at_once` and memory allow."""
    count = array.shape[0]
    rows = min(at_once, max(1, _BYTES // array.bytes_an_image))
    with zipfile.ZipFile(array.path) as archive, archive.open(f"{array.key}.npy") as member:
        _read_header(member, array.path, array.key)
        if array.by_columns:
            whole = _read(member, array, count).reshape(array.shape[::-1]).T
            yield from (whole[start : start + rows] for start in range(0, count, rows))
            return
        for start in range(0, count, rows):
            taken = min(rows, count - start)
            yield _read(member, array, taken).reshape(taken, *array.shape[1:])


def _read(member: IO[bytes], array: _Stored, images: int) -> Array:
    wanted = images * array.bytes_an_image
    try:
        content = member.read(wanted)
    except Exception as error:  # a damaged archive fails in zlib or zipfile alike
        raise damaged(array.path, array.key, error) from None
    if len(content) < wanted:
        raise damaged(array.path, array.key, "it ends early")
    return np.frombuffer(content, dtype=array.dtype)
