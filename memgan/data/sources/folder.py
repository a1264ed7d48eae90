"""A folder of images: DIR/<class>/*.png, or DIR/{train,validation,test}/<class>/*.png."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from memgan.config import DataConfig
from memgan.data.class_names import check_class_names, ordered
from memgan.data.identical import in_two_classes
from memgan.data.images import LabeledImages, Labels, Pixels, Source
from memgan.data.left_out import LeftOut, left_out_lines
from memgan.data.masks import Masks
from memgan.data.reading.folder_contents import MASKS
from memgan.data.reading.image_files import read_images
from memgan.data.reading.white_level import FewGreyLevels
from memgan.data.sources.layout import Layout, Part
from memgan.data.sources.mask_layout import UNUSED_MASKS, masks_of, of_one_name, read_masks
from memgan.data.sources.table import layout_of
from memgan.errors import DataError
from memgan.text import visible

_UNREADABLE = "unreadable, and data.unreadable is skip"


def load_folder(root: Path, config: DataConfig, name: str) -> Source:
    """The images of `root`, a folder or a table of files, in the parts and classes of `layout_of`.

    Classes come in order of their names; files within, by path. Whatever is not read is among
    `left_out` and told in `remarks`, and so are images in more than one class. DataError for a
    folder of no known layout, an unreadable image (unless data.unreadable is "skip"), and unequal
    sizes without data.image_size.
    """
    layout = layout_of(root)
    root = root if root.is_dir() else root.parent
    names = ordered(name for classes in layout.parts.values() for name in classes)
    check_class_names(names, str(root))

    # Read together: whether a source is grey, and of one size, is a matter of all its images.
    listed = _listed(layout)
    paths = [file for _, _, file in listed]
    few = FewGreyLevels()
    images, read = read_images(
        paths,
        image_size=config.image_size,
        channels=config.channels,
        resize=config.resize,
        white_level=config.white_level,
        unreadable=config.unreadable,
        few=few,
    )
    labels = np.array([names.index(label) for _, label, _ in listed], dtype=np.int64)[read]
    _refuse_emptied(labels, names, root)
    of_part = np.array([part for part, _, _ in listed])[read]
    read_paths = [path for path, was_read in zip(paths, read, strict=True) if was_read]
    unread = [path for path, was_read in zip(paths, read, strict=True) if not was_read]
    masks, aside, remark = _masks(layout, listed, read_paths, root)
    left_out = (*aside, *(LeftOut(path, _UNREADABLE) for path in unread))

    def images_of(part: Part) -> LabeledImages:
        chosen = np.flatnonzero(of_part == part)
        pixels: Pixels = images[chosen]
        of_it = None if masks is None else tuple(masks[int(at)] for at in chosen)
        return LabeledImages(pixels, labels[chosen], names, of_it)

    return Source(
        name,
        images_of("train"),
        images_of("test") if "test" in layout.parts else None,
        images_of("validation") if "validation" in layout.parts else None,
        remarks=(
            *left_out_lines(left_out, root),
            *layout.remarks,
            *remark,
            *few.remarks(),
            *in_two_classes(images, labels, lambda at: visible(_below(root, read_paths[at]))),
        ),
        left_out=left_out,
    )


def _below(root: Path, path: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _masks(
    layout: Layout, listed: Sequence[tuple[Part, str, Path]], read: Sequence[Path], root: Path
) -> tuple[Masks | None, tuple[LeftOut, ...], tuple[str, ...]]:
    """The masks of the images that were read, None without any; what of the layout stays left out;
    and what is to be said."""
    if layout.masks is None:
        files, left_out = _mask_files(layout, listed, root)
    else:
        files, left_out = layout.masks, layout.left_out
    if not files:
        return None, left_out, ()
    labels = {file: label for _, label, file in listed}
    of_table = layout.masks is not None
    masks = read_masks(read, files, lambda each: labels[each] if of_table else str(each.parent))
    without = sum(mask is None for mask in masks)
    have = "1 image beside theirs has none, and is" if without == 1 else None
    have = have or f"{without} images beside theirs have none, and are"
    beside = f"; {have} in no figure by pixel"
    if layout.masks is None and (twins := of_one_name(read, files)):
        first = visible(_below(root, twins[0]))
        beside += f", such as {first}, as the mask of that name is another image's"
    several = f"{len(files)} masks were read, which say"
    masks_read = "1 mask was read, which says" if len(files) == 1 else several
    said = f"{masks_read} where images are anomalous"
    return masks, left_out, (said + (beside if without else ""),)


def _mask_files(
    layout: Layout, listed: Sequence[tuple[Part, str, Path]], root: Path
) -> tuple[Mapping[Path, Path], tuple[LeftOut, ...]]:
    """The file of the mask, by image, from the folders of masks; and what stays left out."""
    folders = [each.path for each in layout.left_out if each.reason == MASKS and each.is_folder]
    # Of two images with a mask's name that of the test part has it.
    above = dict.fromkeys(
        root / inside[0]
        for part in ("test", "validation", "train")
        for of_part, label, file in listed
        if of_part == part and (inside := file.relative_to(root).parts)[1] == label
    )
    files, unused = masks_of([file for _, _, file in listed], folders, {root: list(above)})
    left_out = tuple(
        replace(each, reason=UNUSED_MASKS) if each.path in unused else each
        for each in layout.left_out
        if each.path not in folders or each.path in unused
    )
    return files, left_out


def _listed(layout: Layout) -> list[tuple[Part, str, Path]]:
    """Every file with its part and its class."""
    return [
        (part, label, file)
        for part, classes in layout.parts.items()
        for label, files in classes.items()
        for file in files
    ]


def _refuse_emptied(labels: Labels, names: tuple[str, ...], root: Path) -> None:
    for name, left in zip(names, np.bincount(labels, minlength=len(names)), strict=True):
        if not left:
            raise DataError(f"{root}: no image of class {name!r} is readable; mend or remove them")
