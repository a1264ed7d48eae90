"""New images into scores: files, folders and .npz arrays, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from memgan.bundle import Bundle
from memgan.data.image_files import SUFFIXES, read_image
from memgan.data.images import Pixels
from memgan.data.npz import read_npz_images
from memgan.data.pixels import conform
from memgan.errors import BadInput, DataError

_AT_ONCE = 256


@dataclass(frozen=True)
class Scored:
    """One image's outcome."""

    image: str
    """A file's path, or `file.npz[3]` for the fourth image of an array."""
    score: float
    p_value: float
    anomalous: bool


def score_paths(bundle: Bundle, paths: Sequence[Path], unreadable: list[str]) -> Iterator[Scored]:
    """Scores of every image under `paths`, in order; lines about unreadable files are appended
    to `unreadable`. BadInput for a path that is absent or holds no image, raised by this call and
    not by the iterator, so that nothing has been written by then."""
    return _score_all(bundle, [(path, _find(path)) for path in paths], unreadable)


def _score_all(
    bundle: Bundle, found: Sequence[tuple[Path, list[Path]]], unreadable: list[str]
) -> Iterator[Scored]:
    for path, files in found:
        if path.suffix == ".npz":
            yield from _score_npz(bundle, path, unreadable)
        for start in range(0, len(files), _AT_ONCE):
            yield from _score_files(bundle, files[start : start + _AT_ONCE], unreadable)


def _find(path: Path) -> list[Path]:
    if not path.exists():
        raise BadInput(f"{path} does not exist; give image files, folders or .npz files")
    if path.suffix == ".npz":
        return []
    if path.is_file():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )
    if not files:
        raise BadInput(f"{path} holds no image; looked for {', '.join(SUFFIXES)} in all folders")
    return files


def _score_npz(bundle: Bundle, path: Path, unreadable: list[str]) -> Iterator[Scored]:
    channels, height, width = bundle.config.image_shape
    try:
        images = conform(read_npz_images(path), (height, width), _convertible(channels))
        _check_channels(path, images.shape[1], channels)
    except DataError as error:
        unreadable.append(str(error))
        return
    for start in range(0, len(images), _AT_ONCE):
        part = images[start : start + _AT_ONCE]
        yield from _score(bundle, [f"{path}[{start + i}]" for i in range(len(part))], part)


def _score_files(bundle: Bundle, files: list[Path], unreadable: list[str]) -> Iterator[Scored]:
    channels, height, width = bundle.config.image_shape
    names: list[str] = []
    images: list[Pixels] = []
    for file in files:
        try:
            image = read_image(file, image_size=(height, width), channels=_convertible(channels))
            _check_channels(file, len(image), channels)
        except DataError as error:
            unreadable.append(str(error))
        else:
            names.append(str(file))
            images.append(image)
    if images:
        yield from _score(bundle, names, np.stack(images))


def _check_channels(path: Path, given: int, wanted: int) -> None:
    if given != wanted:
        raise DataError(f"{path} has {given} channels, and this bundle scores images of {wanted}")


def _score(bundle: Bundle, names: Sequence[str], images: Pixels) -> Iterator[Scored]:
    scores = bundle.score(images)
    p_values, verdicts = bundle.p_values(scores), bundle.verdicts(scores)
    for name, score, p_value, verdict in zip(names, scores, p_values, verdicts, strict=True):
        yield Scored(name, float(score), float(p_value), bool(verdict))


def _convertible(channels: int) -> Literal[1, 3] | None:
    return channels if channels in (1, 3) else None  # type: ignore[return-value]
