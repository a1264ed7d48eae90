"""Arrays in an .npz file: x_train, y_train and, where there is one, x_test, y_test; or x, y."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memgan.config import DataConfig
from memgan.data.class_names import check_class_names, ordered
from memgan.data.images import SMALLEST, LabeledImages, Pixels, Source
from memgan.data.reading.npz_header import array_headers
from memgan.data.reading.opening import check_plain
from memgan.data.reading.pixels import conform
from memgan.data.reading.room import COPIES, check_bytes, check_room
from memgan.errors import DataError

Array = npt.NDArray[Any]

EXPECTED = "expected the arrays x_train, y_train and perhaps x_test, y_test; or x, y"
_LAYOUTS = [
    [("x", "y")],
    [("x_train", "y_train")],
    [("x_train", "y_train"), ("x_test", "y_test")],
]
_KEYS = ("x", "y", "x_train", "y_train", "x_test", "y_test")
_BRIGHTEST = 255.0
_BYTES = 2**24
"""Of an array that is computed with at a time."""


def load_npz(path: Path, config: DataConfig, name: str) -> Source:
    """The arrays of `path`: one train part, and a test part if x_test and y_test are there.

    Images: (N, H, W), (N, H, W, C) or (N, C, H, W), as whole numbers 0 to 255, or floating point
    0 to 1 or 0 to 255 (one range for the whole file); with data.white_level, 0 to that. Labels:
    (N,), whole numbers or strings. DataError for anything else: pickled objects, NaN, missing or
    unequal arrays, and, by their
    headers, arrays that take more memory than is free.
    """
    _check_room(path, config)
    arrays = _read(path, _KEYS)
    parts = _parts(arrays, path)
    factor = _factor({x: arrays[x] for x, _ in parts}, path, config.white_level)
    texts = [_labels(arrays[y], f"{path}: {y}") for _, y in parts]
    names = ordered(label for text in texts for label in text)
    check_class_names(names, str(path))
    index = {label: number for number, label in enumerate(names)}
    loaded: list[LabeledImages] = []
    for (x, y), text in zip(parts, texts, strict=True):
        images = to_pixels(arrays[x], factor, f"{path}: {x}")
        if len(images) != len(text):
            raise DataError(
                f"{path}: {x} has {len(images)} images and {y} {len(text)} labels; one label an"
                " image is needed"
            )
        images = conform(images, config.image_size, config.channels, config.resize)
        labels = np.array([index[label] for label in text], dtype=np.int64)
        loaded.append(LabeledImages(images, labels, names))
    return Source(name, loaded[0], loaded[1] if len(loaded) == 2 else None)


def npz_outline(path: Path) -> tuple[dict[str, dict[str, int]], list[tuple[int, int]]] | None:
    """Images by part and class, and the height and width of each; only headers and labels are
    read. None for a file that `load_npz` refuses."""
    try:
        check_plain(path)
        headers = array_headers(path, _KEYS)
        found = next(
            layout for layout in reversed(_LAYOUTS) if all(x in headers for x, _ in layout)
        )
        labels = _read(path, [y for _, y in found])
        counts: dict[str, dict[str, int]] = {}
        sizes: list[tuple[int, int]] = []
        for part, (x, y) in zip(("train", "test"), found, strict=False):
            shape = headers[x].shape
            axis = _channel_axis(shape)
            if axis is None:
                return None
            height, width = (
                shape[1:]
                if len(shape) == 3
                else (n for place, n in enumerate(shape[1:], 1) if place != axis)
            )
            counts[part] = dict(Counter(_labels(labels[y], f"{path}: {y}")))
            sizes += [(height, width)] * shape[0]
        return counts, sizes
    except (DataError, LookupError, ValueError, StopIteration, OSError):
        return None


def _check_room(path: Path, config: DataConfig) -> None:
    """DataError for what is no file, or would take more memory than is free, by its headers."""
    try:
        check_plain(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    headers = array_headers(path, _KEYS)
    held = sum(header.bytes for header in headers.values())
    loaded = 0
    for key, header in headers.items():
        axis = _channel_axis(header.shape)
        if not key.startswith("x") or axis is None:
            continue
        count, *sides = header.shape
        channels = sides.pop(axis - 1) if len(sides) == 3 else 1
        height, width = config.image_size or sides
        shape = (config.channels or channels, height, width)
        check_room(count, shape, f"{path}: {key}")
        loaded += count * math.prod(shape)
        if header.dtype != np.uint8 or axis != 1 or config.white_level is not None:
            held += math.prod(header.shape)
        if shape != (channels, *sides):
            held += 2 * count * math.prod(shape)
    check_bytes(
        max(held, COPIES * loaded),
        f"{path}: its arrays",
        "save fewer or smaller images in it, or a folder of image files, which are read one by one",
    )


def _read(path: Path, keys: Sequence[str]) -> dict[str, Array]:
    """Those of the arrays `keys` that the file has, in the order of `keys`."""
    try:
        # A pickle runs code when it is loaded: never allowed. Mapped, a bare array is not read.
        file = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise no_npz(path, error) from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise DataError(f"{path} is one bare array; save it with numpy.savez: {EXPECTED}")
    with file:
        return {key: _member(file, key, path) for key in keys if key in file}


def _member(file: Mapping[str, Array], key: str, path: Path) -> Array:
    try:
        return file[key]
    except ValueError as error:
        raise (
            pickled(path, key) if "pickle" in str(error) else damaged(path, key, error)
        ) from None
    except Exception as error:  # a damaged archive fails in zlib, zipfile or numpy alike
        raise damaged(path, key, error) from None


def no_npz(path: Path, error: Exception) -> DataError:
    """What to say of a file that does not open."""
    reason = getattr(error, "strerror", None) or "not an .npz file of plain arrays"
    return DataError(f"{path}: {reason}; save it with numpy.savez: {EXPECTED}")


def damaged(path: Path, key: str, error: Exception | str) -> DataError:
    """What to say of an array that ends early, or does not unpack."""
    reason = " ".join(str(error).split())
    return DataError(f"{path}: {key} is damaged ({reason}); save the file again")


def pickled(path: Path, key: str) -> DataError:
    """What to say of an array of objects."""
    return DataError(
        f"{path}: {key} holds pickled objects, which are never loaded; save plain numbers or"
        " strings (no dtype=object)"
    )


def _parts(arrays: Mapping[str, Array], path: Path) -> list[tuple[str, str]]:
    for parts in _LAYOUTS:
        if [key for part in parts for key in part] == list(arrays):
            return parts
    found = f"the arrays {', '.join(arrays)}" if arrays else "none of these arrays"
    raise DataError(f"{path} has {found}; {EXPECTED}")


def _factor(images: Mapping[str, Array], path: Path, white_level: int | None) -> float:
    """What brings the file's values to 0..255; DataError for values that cannot be pixels."""
    factors = {
        key: _own_factor(array, f"{path}: {key}", white_level) for key, array in images.items()
    }
    if len(set(factors.values())) > 1:
        raise DataError(
            f"{path}: {' and '.join(factors)} have different ranges, 0 to 1 and 0 to 255; save"
            " both in one"
        )
    return max(factors.values())


def _own_factor(array: Array, where: str, white_level: int | None) -> float:
    check_images(array.shape, array.dtype, where)
    parts = (array[rows] for rows in _rows_at_once(array))
    return find_factor(parts, array.dtype, where, white_level)


def check_images(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    """DataError unless an array of this shape and type can hold images."""
    if dtype.kind not in "uif":
        raise DataError(
            f"{where} has type {dtype}; save images as whole numbers 0 to 255 or floating"
            " point 0 to 1"
        )
    if min(shape, default=0) < 1:
        raise DataError(f"{where} has shape {shape}: it holds no images")


def find_factor(
    parts: Iterable[Array], dtype: np.dtype[Any], where: str, white_level: int | None = None
) -> float:
    """What brings an array's values, read part by part, to 0..255.

    white_level: the value that is white; None is 1 for fractions up to 1, else 255. DataError for
    values that cannot be pixels, and for a white level that cannot hold for them.
    """
    if white_level is not None and dtype.itemsize == 1 and white_level > _BRIGHTEST:
        raise DataError(
            f"{where} has type {dtype}, whose values end at {np.iinfo(dtype).max}, so"
            f" data.white_level={white_level} cannot hold; remove it"
        )
    bad, lowest, highest = 0, np.inf, -np.inf
    for part in parts:
        bad += int(part.size - np.isfinite(part).sum())
        lowest, highest = min(lowest, float(part.min())), max(highest, float(part.max()))
    if bad:
        raise DataError(f"{where}: {bad} pixel values are NaN or infinite; mend the images")
    if lowest < 0 or highest > (white_level or _BRIGHTEST):
        allowed = (
            "scale them to 0 to 255 or, as floating point, 0 to 1; or set data.white_level to the"
            " value that is white"
            if white_level is None
            else f"allowed is 0 to data.white_level={white_level}; set that to the value that is"
            " white"
        )
        raise DataError(f"{where}: pixel values run from {lowest:g} to {highest:g}; {allowed}")
    if white_level is not None:
        if dtype.kind == "f" and highest <= 1 < white_level:
            raise DataError(
                f"{where} holds fractions from 0 to 1, so data.white_level={white_level} cannot"
                " hold; remove it"
            )
        return _BRIGHTEST / white_level
    return _BRIGHTEST if dtype.kind == "f" and highest <= 1 else 1.0


def to_pixels(array: Array, factor: float, where: str) -> Pixels:
    """Images of any layout that is taken as uint8 (N, C, H, W). DataError for any other shape."""
    axis = _channel_axis(array.shape)
    if axis is None:
        raise DataError(
            f"{where} has shape {array.shape}; expected (N, H, W), (N, H, W, C) or (N, C, H, W)"
            f" with fewer than {SMALLEST} channels"
        )
    array = array[:, None] if array.ndim == 3 else np.moveaxis(array, axis, 1)
    if array.dtype == np.uint8 and factor == 1:
        return np.ascontiguousarray(array)
    pixels = np.empty(array.shape, dtype=np.uint8)
    for rows in _rows_at_once(array):
        pixels[rows] = np.rint(array[rows] * factor)
    return pixels


def _rows_at_once(array: Array) -> Iterator[slice]:
    """A few images at a time: what is computed from all of them is several times as large."""
    rows = max(1, _BYTES * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)


def _channel_axis(shape: tuple[int, ...]) -> int | None:
    if len(shape) == 3:
        return 1
    if len(shape) != 4:
        return None
    usual = [axis for axis in (3, 1) if shape[axis] in (1, 3)]
    rare = [axis for axis in (3, 1) if shape[axis] < SMALLEST]
    return next(iter(usual + rare), None)


def _labels(array: Array, where: str) -> list[str]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "uiU":
        raise DataError(
            f"{where} has type {array.dtype} and shape {array.shape}; expected one whole number or"
            " string an image, (N,)"
        )
    return [str(label) for label in array.tolist()]
