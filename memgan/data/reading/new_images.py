"""New images of files, folders and .npz arrays as a stream of batches in one shape.

What is held at any moment is a few batches and the names in one folder, whatever the number of
images.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from memgan.config import DataConfig
from memgan.data.images import Pixels
from memgan.data.left_out import LeftOut, left_out_lines
from memgan.data.reading.folder_contents import NO_IMAGE, contents
from memgan.data.reading.image_files import SUFFIXES, decoded
from memgan.data.reading.npz_stream import stream_npz_images
from memgan.data.reading.pixels import conform
from memgan.data.reading.white_level import FewGreyLevels
from memgan.errors import BadInput, DataError
from memgan.text import visible

_AT_ONCE = 256
_BYTES = 2**24
"""Of a batch, where images are large."""
_NPZ_INSIDE = "an .npz in a folder; give it by itself"

Tell = Callable[[str], None]
TellLeftOut = Callable[[Sequence[LeftOut]], None]


@dataclass(frozen=True, eq=False)
class Batch:
    """Images uint8 (n, C, H, W) with what each is called: a file's path, or `file.npz[3]` for the
    fourth image of an array; control characters as escapes (`memgan.text.visible`)."""

    names: list[str]
    images: Pixels
    files: list[Path | None]
    """Where each lies by itself; None of an array."""


def stream_images(
    paths: Sequence[Path],
    image_shape: tuple[int, int, int],
    tell: Tell,
    tell_left_out: TellLeftOut = lambda left_out: None,
    *,
    config: DataConfig | None = None,
    few: FewGreyLevels | None = None,
) -> Iterator[Batch]:
    """Every image under `paths`, in order and in (C, H, W) `image_shape`.

    Folders are searched to any depth, by name; links to folders are not followed. tell: told a
    line for each file that cannot be read. tell_left_out: told what else of a folder is not read,
    a folder at a time. config: its `resize` and `white_level` count. few: told what
    files of 16 bits reach where it is None. BadInput for a path that is absent or holds no image,
    raised by this call and not by the iterator, so that nothing has been written by then.
    """
    for path in paths:
        _check(path)
    at_once = min(_AT_ONCE, max(1, _BYTES // math.prod(image_shape)))
    read = config or DataConfig()
    return _stream(paths, image_shape, at_once, (tell, tell_left_out), read, few)


def files_in_turn(paths: Sequence[Path], tell: Tell, tell_left_out: TellLeftOut) -> Iterator[Path]:
    """The files under `paths` in the order of `stream_images`, which explains the others."""
    for path in paths:
        yield from _files(path, tell, tell_left_out)


def _stream(
    paths: Sequence[Path],
    shape: tuple[int, int, int],
    at_once: int,
    tellers: tuple[Tell, TellLeftOut],
    config: DataConfig,
    few: FewGreyLevels | None,
) -> Iterator[Batch]:
    for is_npz, together in itertools.groupby(paths, _is_npz):
        if is_npz:
            for path in together:
                yield from _of_npz(path, shape, at_once, tellers[0], config)
        else:
            files = itertools.chain.from_iterable(_files(path, *tellers) for path in together)
            yield from _of_files(files, shape, at_once, tellers[0], config, few)


def _check(path: Path) -> None:
    if not path.exists():
        raise BadInput(f"{path} does not exist; give image files, folders or .npz files")
    if path.is_file():
        return
    if not path.is_dir():
        raise BadInput(
            f"{path} is a pipe, a socket or a device, which has no end; give image files, folders"
            " or .npz files"
        )
    faults: list[str] = []
    left_out: list[LeftOut] = []
    if next(_files(path, faults.append, left_out.extend), None) is None:
        aside = f"; {'; '.join(left_out_lines(left_out, path))}" if left_out else ""
        raise BadInput(
            faults[0]
            if faults
            else f"{path} holds no image; looked for {', '.join(SUFFIXES)} in all folders{aside}"
        )


def _files(path: Path, tell: Tell, tell_left_out: TellLeftOut) -> Iterator[Path]:
    """`path` itself, or the image files below it, in the order of their paths' parts."""
    if path.is_file():
        yield path
        return
    try:
        inside = contents(path, links=False)
    except OSError as error:
        tell(f"{path}: {error.strerror}; its images are left out")
        return
    if inside.left_out:
        tell_left_out([_of_scoring(each) for each in inside.left_out])
    folders = set(inside.folders)
    for name in sorted([*inside.images, *inside.folders]):
        if name in folders:
            yield from _files(path / name, tell, tell_left_out)
        else:
            yield path / name


def _of_scoring(each: LeftOut) -> LeftOut:
    if each.reason == NO_IMAGE and each.path.suffix == ".npz":
        return replace(each, reason=_NPZ_INSIDE)
    return each


def _of_files(
    files: Iterable[Path],
    shape: tuple[int, int, int],
    at_once: int,
    tell: Tell,
    config: DataConfig,
    few: FewGreyLevels | None,
) -> Iterator[Batch]:
    channels, height, width = shape
    read = decoded(
        files,
        image_size=(height, width),
        channels=_convertible(channels),
        resize=config.resize,
        white_level=config.white_level,
        few=few,
        ahead=min(64, at_once),
    )
    files_read: list[Path | None] = []
    images: list[Pixels] = []
    for path, outcome in read:
        try:
            if isinstance(outcome, DataError):
                raise outcome
            _check_channels(path, len(outcome), channels)
        except DataError as error:
            tell(str(error))
            continue
        files_read.append(path)
        images.append(outcome)
        if len(images) == at_once:
            yield _batch(files_read, images)
            files_read, images = [], []
    if images:
        yield _batch(files_read, images)


def _batch(files: list[Path | None], images: list[Pixels]) -> Batch:
    return Batch([visible(str(path)) for path in files], np.stack(images), files)


def _of_npz(
    path: Path,
    shape: tuple[int, int, int],
    at_once: int,
    tell: Tell,
    config: DataConfig,
) -> Iterator[Batch]:
    channels, height, width = shape
    name, done = visible(str(path)), 0
    try:
        for part in stream_npz_images(path, at_once, white_level=config.white_level):
            images = conform(part, (height, width), _convertible(channels), config.resize)
            _check_channels(path, images.shape[1], channels)
            names = [f"{name}[{done + i}]" for i in range(len(images))]
            yield Batch(names, images, [None] * len(images))
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
