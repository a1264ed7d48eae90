"""What this program makes on a disk, and how it takes that, and nothing else, away again.

Three rules hold wherever files are removed or replaced: a folder is removed only when it is empty,
a file only when it is known by its own name to be ours, and what is written aside before it
replaces a file has a name that nobody else has.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Made:
    """Folders and files that this process made itself, remembered one by one."""

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self._files: dict[Path, tuple[int, int]] = {}

    def folder(self, path: Path) -> None:
        """Make a folder, with the folders above it; those that were there are not remembered.

        OSError where one cannot be made, or where a file is in its place.
        """
        path = path.absolute()
        if path.is_dir():
            return
        self.folder(path.parent)
        try:
            path.mkdir()
        except FileExistsError:
            if not path.is_dir():
                raise
        else:
            self._folders.append(path)

    def file(self, path: Path) -> None:
        """Make an empty file. FileExistsError where something has this name already."""
        with path.open("xb") as file:
            self._files[path.absolute()] = _identity(os.fstat(file.fileno()))

    def owns(self, path: Path) -> bool:
        """Whether `path` is still the very file that `file` made."""
        with suppress(OSError):
            return self._files.get(path.absolute()) == _identity(path.lstat())
        return False

    def take_away(self) -> None:
        """Remove the files that are still those that were made, then the folders that are empty."""
        for path in self._files:
            if self.owns(path):
                with suppress(OSError):
                    path.unlink()
        for path in reversed(self._folders):
            # Fails, as it should, where anything is in it.
            with suppress(OSError):
                path.rmdir()


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, that takes its place when the block ends well.

    Without a fault `path` is complete at all times; with one it stays as it was. The file beside it
    has a name of its own, and the mode that the user's umask gives.
    """
    aside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield aside
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A new folder beside `beside`, under a name that nobody else has; removed after the block
    unless it was renamed meanwhile. Folders above it are made, and stay only if it was renamed."""
    made = Made()
    made.folder(beside.absolute().parent)
    folder = beside.absolute().with_name(f".{beside.name[:100]}.{secrets.token_hex(8)}")
    try:
        folder.mkdir()
        yield folder
    finally:
        if folder.exists():
            # It was made a moment ago under a random name, for this block only.
            shutil.rmtree(folder, ignore_errors=True)
        made.take_away()


def is_plain_file(path: Path) -> bool:
    """Whether `path` is a file itself: neither a folder nor a link nor a device."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino
