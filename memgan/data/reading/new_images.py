"""New images of files, folders and .npz arrays as a stream of batches in one shape.

What is held at any moment is a few batches and the names in one folder, whatever the number of
images.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from memgan.data.images import Pixels
from memgan.data.reading.image_files import SUFFIXES, decoded, is_image_name
from memgan.data.reading.npz_stream import stream_npz_images
from memgan.data.reading.pixels import conform
from memgan.data.reading.white_level import FewGreyLevels
from memgan.errors import BadInput, DataError
from memgan.text import visible

_AT_ONCE = 256
_BYTES = 2**24
"""Of a batch, where images are large."""

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Batch:
    """Images uint8 (n, C, H, W) with what each is called: a file's path, or `file.npz[3]` for the
    fourth image of an array; control characters as escapes (`memgan.text.visible`)."""

    names: list[str]
    images: Pixels


def stream_images(
    paths: Sequence[Path],
    image_shape: tuple[int, int, int],
    tell: Tell,
    *,
    white_level: int | None = None,
    few: FewGreyLevels | None = None,
) -> Iterator[Batch]:
    """Every image under `paths`, in order and in (C, H, W) `image_shape`.

    Folders are searched to any depth, by name. tell: told a line for each file that cannot be
    read. white_level: the value that is white, as in `DataConfig`. few: told what files of 16 bits
    reach where it is None. BadInput for a path that is absent or holds no image, raised by this
    call and not by the iterator, so that nothing has been written by then.
    """
    for path in paths:
        _check(path)
    at_once = min(_AT_ONCE, max(1, _BYTES // math.prod(image_shape)))
    return _stream(paths, image_shape, at_once, tell, white_level, few)


def _stream(
    paths: Sequence[Path],
    shape: tuple[int, int, int],
    at_once: int,
    tell: Tell,
    white_level: int | None,
    few: FewGreyLevels | None,
) -> Iterator[Batch]:
    for is_npz, together in itertools.groupby(paths, _is_npz):
        if is_npz:
            for path in together:
                yield from _of_npz(path, shape, at_once, tell, white_level)
        else:
            files = itertools.chain.from_iterable(_files(path, tell) for path in together)
            yield from _of_files(files, shape, at_once, tell, white_level, few)


def _check(path: Path) -> None:
    if not path.exists():
        raise BadInput(f"{path} does not exist; give image files, folders or .npz files")
    if path.is_file():
        return
    faults: list[str] = []
    if next(_files(path, faults.append), None) is None:
        raise BadInput(
            faults[0]
            if faults
            else f"{path} holds no image; looked for {', '.join(SUFFIXES)} in all folders"
        )


def _files(path: Path, tell: Tell) -> Iterator[Path]:
    """`path` itself, or the image files below it, in the order of their paths' parts."""
    if path.is_file():
        yield path
        return
    try:
        with os.scandir(path) as entries:
            # Names alone, as a folder may have very many. Links to folders are not followed: they
            # may lead in a circle.
            found = sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if is_image_name(entry.name) or entry.is_dir(follow_symlinks=False)
            )
    except OSError as error:
        tell(f"{path}: {error.strerror}; its images are left out")
        return
    for name, is_folder in found:
        inner = path / name
        if is_folder:
            yield from _files(inner, tell)
        elif inner.is_file():
            yield inner


def _of_files(
    files: Iterable[Path],
    shape: tuple[int, int, int],
    at_once: int,
    tell: Tell,
    white_level: int | None,
    few: FewGreyLevels | None,
) -> Iterator[Batch]:
    channels, height, width = shape
    read = decoded(
        files,
        image_size=(height, width),
        channels=_convertible(channels),
        white_level=white_level,
        few=few,
        ahead=min(64, at_once),
    )
    names: list[str] = []
    images: list[Pixels] = []
    for path, outcome in read:
        try:
            if isinstance(outcome, DataError):
                raise outcome
            _check_channels(path, len(outcome), channels)
        except DataError as error:
            tell(str(error))
            continue
        names.append(visible(str(path)))
        images.append(outcome)
        if len(images) == at_once:
            yield Batch(names, np.stack(images))
            names, images = [], []
    if images:
        yield Batch(names, np.stack(images))


def _of_npz(
    path: Path,
    shape: tuple[int, int, int],
    at_once: int,
    tell: Tell,
    white_level: int | None,
) -> Iterator[Batch]:
    channels, height, width = shape
    name, done = visible(str(path)), 0
    try:
        for part in stream_npz_images(path, at_once, white_level=white_level):
            images = conform(part, (height, width), _convertible(channels))
            _check_channels(path, images.shape[1], channels)
            yield Batch([f"{name}[{done + i}]" for i in range(len(images))], images)
            done += len(images)
    except DataError as error:
        tell(f"{error} (its first {done} images are scored)" if done else str(error))


def _is_npz(path: Path) -> bool:
    return path.suffix == ".npz" and path.is_file()


def _check_channels(path: Path, given: int, wanted: int) -> None:
    if given != wanted:
        raise DataError(f"{path} has {given} channels, and this bundle scores images of {wanted}")


def _convertible(channels: int) -> Literal[1, 3] | None:
    return channels if channels in (1, 3) else None  # type: ignore[return-value]
