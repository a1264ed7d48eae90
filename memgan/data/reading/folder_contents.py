"""What a folder among images holds: images, folders to look into, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from memgan.data.left_out import LeftOut
from memgan.data.reading.image_files import is_image_name

HIDDEN = "hidden"
NO_IMAGE = "no image by the suffix"
MASKS = "a folder of masks"
OF_THE_SYSTEM = "made by the system"
LINK = "a link to a folder"
BROKEN = "a link that leads nowhere"

_MASKS = frozenset({"mask", "masks", "ground_truth", "gt"})
_OF_ONE_CLASS = "_mask"
_OF_THE_SYSTEM = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}
)


@dataclass(frozen=True)
class Contents:
    """Names directly in a folder, in order, and what of it is not read."""

    images: list[str]
    """Files with an image's suffix; whether they can be read shows when they are."""
    folders: list[str]
    left_out: list[LeftOut]


def contents(folder: Path, *, links: bool) -> Contents:
    """What lies directly in `folder`.

    links: whether links to folders count as folders; where folders are searched to any depth, they
    may lead in a circle. OSError where the folder cannot be listed.
    """
    with os.scandir(folder) as entries:
        # Only names, as a folder may have very many.
        found = sorted((entry.name, _is_folder(entry), entry.is_symlink()) for entry in entries)
    siblings = {name.casefold() for name, is_folder, _ in found if is_folder}
    images: list[str] = []
    folders: list[str] = []
    left_out: list[LeftOut] = []
    for name, is_folder, is_link in found:
        path = folder / name
        if is_folder:
            reason = _why_no_folder(name, siblings)
            if reason is None and is_link and not links:
                reason = LINK
        else:
            reason = _why_no_image(path, is_link)
        if reason is not None:
            left_out.append(LeftOut(path, reason, is_folder))
        else:
            (folders if is_folder else images).append(name)
    return Contents(images, folders, left_out)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _why_no_folder(name: str, siblings: Collection[str]) -> str | None:
    known = name.casefold()
    if known in _OF_THE_SYSTEM:
        return OF_THE_SYSTEM
    if name.startswith("."):
        return HIDDEN
    if known in _MASKS or (
        known.endswith(_OF_ONE_CLASS) and known.removesuffix(_OF_ONE_CLASS) in siblings
    ):
        return MASKS
    return None


def _why_no_image(path: Path, is_link: bool) -> str | None:
    if path.name.startswith("."):
        return HIDDEN
    if is_image_name(path.name):
        return None
    leads_nowhere = is_link and not os.path.exists(path)  # noqa: PTH110  # it never raises
    return BROKEN if leads_nowhere else NO_IMAGE
