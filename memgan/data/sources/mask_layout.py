"""Which mask is which image's.

A folder of masks stands beside what it is of and is built in the same way: `ground_truth/cut/` (as
of MVTec AD) and `masks/cut/` beside the parts or the classes, `cut/masks/` in a class, `cut_mask/`
beside it. A mask is named as its image, or with `_mask` behind the image's name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from memgan.data.masks import Mask, Masks
from memgan.data.reading.image_files import is_image_name
from memgan.data.reading.mask_files import read_mask, size_of
from memgan.errors import DataError
from memgan.text import visible

UNUSED_MASKS = "masks of which none is named as an image"
_BEHIND = "_mask"


def masks_of(
    images: Sequence[Path], folders: Collection[Path], bases: Mapping[Path, Sequence[Path]]
) -> tuple[dict[Path, Path], list[Path]]:
    """The file of the mask, by image; and the folders of which no mask has an image.

    folders: those that hold masks. bases: the folders that hold the images of a folder that stands
    above masks, where it is not that folder only. DataError for a mask without its image in a
    folder whose other masks have theirs.
    """
    known: dict[tuple[Path, str], Path] = {}
    for image in images:
        known.setdefault((image.parent, image.stem), image)
    found: dict[Path, Path] = {}
    unused = []
    for folder in folders:
        of_folder = {mask: _image_of(mask, folder, bases, known) for mask in _files(folder)}
        lost = next((mask for mask, image in of_folder.items() if image is None), None)
        if not any(of_folder.values()):
            unused.append(folder)
        elif lost is not None:
            raise DataError(
                visible(
                    f"mask {lost} has no image; its image is named"
                    f" {lost.stem.removesuffix(_BEHIND)} and lies in the class folder that the"
                    f" mask's folder is named after; add it, or remove the mask"
                )
            )
        found |= {image: mask for mask, image in of_folder.items() if image is not None}
    return found, unused


def of_one_name(images: Sequence[Path], files: Mapping[Path, Path]) -> list[Path]:
    """The images that have no mask as another one of their name, but for its ending, has it."""
    having = {(image.parent, image.stem) for image in files}
    return [
        image for image in images if image not in files and (image.parent, image.stem) in having
    ]


def read_masks(
    images: Sequence[Path], files: Mapping[Path, Path], group: Callable[[Path], str]
) -> Masks:
    """One an image: of a group without any mask an empty one; None where other images of the group
    have one and this has none. DataError for a mask of another size than its image's."""
    with_masks = {group(image) for image in files}
    return tuple(
        read_mask(files[image], image)
        if image in files
        else None
        if group(image) in with_masks
        else Mask(*size_of(image))
        for image in images
    )


def _files(folder: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(top) / name for name in sorted(names) if is_image_name(name))


def _image_of(
    mask: Path,
    folder: Path,
    bases: Mapping[Path, Sequence[Path]],
    known: Mapping[tuple[Path, str], Path],
) -> Path | None:
    inside = mask.parent.relative_to(folder)
    if folder.name.casefold().endswith(_BEHIND):
        beside = [folder.with_name(folder.name[: -len(_BEHIND)])]
    else:
        beside = [folder.parent, *bases.get(folder.parent, ())]
    for base in beside:
        for stem in (mask.stem, mask.stem.removesuffix(_BEHIND)):
            if (image := known.get((base / inside, stem))) is not None:
                return image
    return None
