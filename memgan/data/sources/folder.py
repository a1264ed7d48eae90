"""A folder of images: DIR/<class>/*.png, or DIR/{train,validation,test}/<class>/*.png."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memgan.config import DataConfig
from memgan.data.class_names import check_class_names, ordered
from memgan.data.identical import in_two_classes
from memgan.data.images import LabeledImages, Labels, Pixels, Source
from memgan.data.left_out import LeftOut, left_out_lines
from memgan.data.reading.image_files import read_images
from memgan.data.reading.white_level import FewGreyLevels
from memgan.data.sources.layout import Layout, Part, read_layout
from memgan.errors import DataError
from memgan.text import visible

_UNREADABLE = "unreadable, and data.unreadable is skip"


def load_folder(root: Path, config: DataConfig, name: str) -> Source:
    """The images under `root`, in the parts and classes of `read_layout`.

    Classes come in order of their names; files within, by path. Whatever is not read is among
    `left_out` and told in `remarks`, and so are images in more than one class. DataError for a
    folder of no known layout, an unreadable image (unless data.unreadable is "skip"), and unequal
    sizes without data.image_size.
    """
    layout = read_layout(root)
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
        white_level=config.white_level,
        unreadable=config.unreadable,
        few=few,
    )
    labels = np.array([names.index(label) for _, label, _ in listed], dtype=np.int64)[read]
    _refuse_emptied(labels, names, root)
    of_part = np.array([part for part, _, _ in listed])[read]
    read_paths = [path for path, was_read in zip(paths, read, strict=True) if was_read]
    unread = [path for path, was_read in zip(paths, read, strict=True) if not was_read]
    left_out = (*layout.left_out, *(LeftOut(path, _UNREADABLE) for path in unread))

    def images_of(part: Part) -> LabeledImages:
        pixels: Pixels = images[of_part == part]
        return LabeledImages(pixels, labels[of_part == part], names)

    return Source(
        name,
        images_of("train"),
        images_of("test") if "test" in layout.parts else None,
        images_of("validation") if "validation" in layout.parts else None,
        remarks=(
            *left_out_lines(left_out, root),
            *layout.remarks,
            *few.remarks(),
            *in_two_classes(
                images, labels, lambda at: visible(str(read_paths[at].relative_to(root)))
            ),
        ),
        left_out=left_out,
    )


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
