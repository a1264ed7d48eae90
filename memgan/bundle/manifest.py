"""What an export is made of: a manifest of its files, by which they are told from a user's own.

A file is ours where the manifest names it and its content is the one that was written. Everything
else in the folder is somebody else's, an edited file too, and is neither replaced nor removed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field, ValidationError, field_validator

from memgan.config import Frozen
from memgan.files import is_plain_file, written_aside

MANIFEST = "manifest.json"
_LARGEST = 2**24

Known = Mapping[str, frozenset[str] | None]
"""By path below a folder the hashes of what was written there; None: known only by its name."""


class Manifest(Frozen):
    """The files of a folder that memgan wrote, by their paths in it, with SHA-256 of each."""

    made_by: Literal["memgan"]
    format: Literal[1] = 1
    files: dict[str, str]
    before: dict[str, str] = Field(default_factory=dict)
    """While an export replaces an earlier one: that one's files."""

    @field_validator("files", "before")
    @classmethod
    def _inside(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            parts = PurePosixPath(name).parts
            if not parts or name.startswith("/") or ".." in parts or "\0" in name:
                raise ValueError(f"{name!r} leads out of the folder")
        return value


def read_manifest(folder: Path) -> Known | None:
    """What the manifest in `folder` knows, itself included; None where there is none of ours."""
    path = folder / MANIFEST
    try:
        if not is_plain_file(path) or path.stat().st_size > _LARGEST:
            return None
        content = path.read_bytes()
        found = Manifest.model_validate_json(content)
    except (OSError, ValidationError):
        return None
    known: dict[str, frozenset[str] | None] = {MANIFEST: None}
    for name in {*found.files, *found.before} - {MANIFEST}:
        known[name] = frozenset(
            files[name] for files in (found.files, found.before) if name in files
        )
    return known


def ours(folder: Path, known: Known) -> list[str]:
    """The names of those files in `folder` that are as they were written."""
    return sorted(name for name in known if _is_ours(folder, name, known))


def in_the_way(new: Path, folder: Path, known: Known) -> list[str]:
    """Paths below `folder` of what is somebody else's, and where the files of `new` would go."""
    found = set()
    for name in (*_files(new), MANIFEST):
        *above, _ = parents = _steps(name)
        blocked = [p for p in above if _there(folder / p) and not _is_folder(folder / p)]
        if blocked:
            found.add(blocked[0])
        elif _there(folder / name) and not _is_ours(folder, name, known):
            found.add(parents[-1])
    return sorted(found)


def put_in_place(new: Path, folder: Path, known: Known) -> None:
    """Move the files of `new` into `folder`, in place of those it has of ours, and take away ours
    that `new` has no more of.

    Nothing may be `in_the_way`. Cut short, what is there is still known as ours.
    """
    names = _files(new)
    files = {name: _hash(new / name) for name in names}
    before = {name: _hash(folder / name) for name in ours(folder, known) if name != MANIFEST}
    _write(folder, Manifest(made_by="memgan", files=files, before=before))
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).replace(folder / name)
    for name in before.keys() - files.keys():
        (folder / name).unlink()
        for above in reversed(_steps(name)[:-1]):
            with suppress(OSError):
                (folder / above).rmdir()
    _write(folder, Manifest(made_by="memgan", files=files))


def write_manifest(folder: Path) -> None:
    """Say in a folder that this process has just filled what it wrote there."""
    files = {name: _hash(folder / name) for name in _files(folder)}
    _write(folder, Manifest(made_by="memgan", files=files))


def set_aside(folder: Path, name: str) -> str:
    """Give a file or folder of somebody else's another name beside its own; gives that."""
    number = 1
    while _there(folder / (kept := f"{name}.kept{number if number > 1 else ''}")):
        number += 1
    (folder / name).rename(folder / kept)
    return kept


def _write(folder: Path, manifest: Manifest) -> None:
    with written_aside(folder / MANIFEST) as path:
        path.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _is_ours(folder: Path, name: str, known: Known) -> bool:
    if name not in known or not is_plain_file(folder / name):
        return False
    if not all(_is_folder(folder / above) for above in _steps(name)[:-1]):
        return False
    hashes = known[name]
    return hashes is None or _hash(folder / name) in hashes


def _steps(name: str) -> list[str]:
    """ "a/b/c" as "a", "a/b", "a/b/c"."""
    parts = PurePosixPath(name).parts
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _files(folder: Path) -> list[str]:
    found = []
    for top, _, names in os.walk(folder):
        found += [(Path(top) / name).relative_to(folder).as_posix() for name in names]
    return sorted(name for name in found if name != MANIFEST)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
