"""Arrays in an .npz file: x_train, y_train and, where there is one, x_test, y_test; or x, y."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memgan.config import DataConfig
from memgan.data.class_names import check_class_names, ordered
from memgan.data.images import SMALLEST, LabeledImages, Pixels, Source
from memgan.data.pixels import conform
from memgan.errors import DataError

Array = npt.NDArray[Any]

_KEYS = "expected the arrays x_train, y_train and perhaps x_test, y_test; or x, y"


def load_npz(path: Path, config: DataConfig, name: str) -> Source:
    """The arrays of `path`: one train part, and a test part if x_test and y_test are there.

    Images: (N, H, W), (N, H, W, C) or (N, C, H, W), as whole numbers 0 to 255, or floating point
    0 to 1 or 0 to 255 (one range for the whole file). Labels: (N,), whole numbers or strings.
    DataError for anything else: pickled objects, NaN, missing or unequal arrays.
    """
    arrays = _read(path)
    parts = _parts(arrays, path)
    as_bytes = _range_of([arrays[x] for x, _ in parts], path)
    texts = [_labels(arrays[y], f"{path}: {y}") for _, y in parts]
    names = ordered(label for text in texts for label in text)
    check_class_names(names, str(path))
    index = {label: number for number, label in enumerate(names)}
    loaded: list[LabeledImages] = []
    for (x, y), text in zip(parts, texts, strict=True):
        images = _pixels(arrays[x], as_bytes, f"{path}: {x}")
        if len(images) != len(text):
            raise DataError(
                f"{path}: {x} has {len(images)} images and {y} {len(text)} labels; one label an"
                " image is needed"
            )
        images = conform(images, config.image_size, config.channels)
        labels = np.array([index[label] for label in text], dtype=np.int64)
        loaded.append(LabeledImages(images, labels, names))
    return Source(name, loaded[0], loaded[1] if len(loaded) == 2 else None)


def read_npz_images(path: Path, key: str = "x") -> Pixels:
    """The images of one array alone, without labels, as uint8 (N, C, H, W). DataError as above."""
    arrays = _read(path)
    if key not in arrays:
        raise DataError(f"{path} has no array {key!r}; it has: {', '.join(arrays) or 'none'}")
    return _pixels(arrays[key], _range_of([arrays[key]], path), f"{path}: {key}")


def _read(path: Path) -> dict[str, Array]:
    try:
        # A pickle runs code when it is loaded: never allowed.
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError(f"{path} is one bare array; save it with numpy.savez: {_KEYS}")
            return {key: _member(file, key, path) for key in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or "not an .npz file of plain arrays"
        raise DataError(f"{path}: {reason}; save it with numpy.savez: {_KEYS}") from None


def _member(file: Mapping[str, Array], key: str, path: Path) -> Array:
    try:
        return file[key]
    except ValueError:
        raise DataError(
            f"{path}: {key} holds pickled objects, which are never loaded; save plain numbers or"
            " strings (no dtype=object)"
        ) from None
    except Exception as error:  # a damaged archive fails in zlib, zipfile or numpy alike
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: {key} is damaged ({reason}); save the file again") from None


def _parts(arrays: Mapping[str, Array], path: Path) -> list[tuple[str, str]]:
    known = [key for key in ("x", "y", "x_train", "y_train", "x_test", "y_test") if key in arrays]
    if known == ["x", "y"]:
        return [("x", "y")]
    if known == ["x_train", "y_train"]:
        return [("x_train", "y_train")]
    if known == ["x_train", "y_train", "x_test", "y_test"]:
        return [("x_train", "y_train"), ("x_test", "y_test")]
    raise DataError(f"{path} has the arrays {', '.join(arrays) or 'none'}; {_KEYS}")


def _range_of(images: list[Array], path: Path) -> float:
    """The factor that brings the file's values to 0..255; DataError for values it cannot be."""
    lowest, highest = 0.0, 0.0
    for array in images:
        if array.dtype.kind not in "uif":
            raise DataError(
                f"{path}: images of type {array.dtype}; save whole numbers 0 to 255 or floating"
                " point 0 to 1"
            )
        if not array.size:
            continue
        lowest, highest = min(lowest, float(array.min())), max(highest, float(array.max()))
        if not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise DataError(f"{path}: {bad} pixel values are NaN or infinite; mend the images")
    if lowest < 0 or highest > 255:
        raise DataError(
            f"{path}: pixel values run from {lowest:g} to {highest:g}; scale them to 0 to 255 or,"
            " as floating point, 0 to 1"
        )
    fractions = all(array.dtype.kind == "f" for array in images) and highest <= 1
    return 255.0 if fractions else 1.0


def _pixels(array: Array, factor: float, where: str) -> Pixels:
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[3] < SMALLEST:
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim != 4 or array.shape[1] >= SMALLEST:
        raise DataError(
            f"{where} has shape {array.shape}; expected (N, H, W), (N, H, W, C) or (N, C, H, W)"
            f" with fewer than {SMALLEST} channels"
        )
    if 0 in array.shape:
        raise DataError(f"{where} has shape {array.shape}: it holds no images")
    if array.dtype != np.uint8:
        array = np.rint(array * factor).astype(np.uint8)
    return np.ascontiguousarray(array)


def _labels(array: Array, where: str) -> list[str]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "uiU":
        raise DataError(
            f"{where} has type {array.dtype} and shape {array.shape}; expected one whole number or"
            " string an image, (N,)"
        )
    return [str(label) for label in array.tolist()]
