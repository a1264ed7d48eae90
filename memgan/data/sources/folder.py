"""A folder of images: DIR/<class>/*.png, or DIR/{train,test}/<class>/*.png."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memgan.config import DataConfig
from memgan.data.class_names import check_class_names, ordered
from memgan.data.images import Flags, LabeledImages, Labels, Pixels, Source
from memgan.data.reading.image_files import SUFFIXES, image_files, read_images
from memgan.data.reading.white_level import FewGreyLevels
from memgan.errors import DataError

_LAYOUT = "DIR/<class>/*.png or DIR/{train,test}/<class>/*.png"


def load_folder(root: Path, config: DataConfig, name: str) -> Source:
    """The images under `root`; with a folder `train` its own parts, else all of it as train.

    Classes are folders, in order of their names; files within, by name. Hidden files, other
    suffixes and deeper folders are left out. DataError for no class folders, a class folder
    without images, an unreadable image (unless data.unreadable is "skip"), and unequal sizes
    without data.image_size.
    """
    train_root = root / "train"
    parted = train_root.is_dir()
    if not parted and (root / "test").is_dir():
        raise DataError(f"{root} has a folder test and none called train; expected {_LAYOUT}")
    train = _list_classes(train_root if parted else root)
    test = _list_classes(root / "test") if parted and (root / "test").is_dir() else {}
    names = ordered([*train, *test])
    check_class_names(names, str(root))

    # Read together: whether a source is grey, and of one size, is a matter of all its images.
    listed = [(file, label) for part in (train, test) for label in part for file in part[label]]
    paths = [file for file, _ in listed]
    labels = np.array([names.index(label) for _, label in listed], dtype=np.int64)
    few = FewGreyLevels()
    images, read = read_images(
        paths,
        image_size=config.image_size,
        channels=config.channels,
        white_level=config.white_level,
        unreadable=config.unreadable,
        few=few,
    )
    in_train = np.arange(len(paths)) < sum(len(files) for files in train.values())
    _refuse_emptied(labels[read], names, root)

    def part(chosen: Flags) -> LabeledImages:
        pixels: Pixels = images[chosen[read]]
        return LabeledImages(pixels, labels[chosen & read], names)

    tested = part(~in_train) if test else None
    return Source(name, part(in_train), tested, remarks=tuple(few.remarks()))


def _list_classes(folder: Path) -> dict[str, list[Path]]:
    try:
        inner = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
        classes = {p.name: image_files(p) for p in inner}
    except OSError as error:
        raise DataError(
            f"{error.filename or folder}: {error.strerror}; expected {_LAYOUT}"
        ) from None
    if not classes:
        raise DataError(f"{folder} holds no class folders; expected {_LAYOUT}")
    for name in ordered(classes):
        if not classes[name]:
            raise DataError(
                f"class folder {folder / name} holds no images ({', '.join(SUFFIXES)} directly in"
                " it); add some or remove the folder"
            )
    return {name: classes[name] for name in ordered(classes)}


def _refuse_emptied(labels: Labels, names: tuple[str, ...], root: Path) -> None:
    for name, left in zip(names, np.bincount(labels, minlength=len(names)), strict=True):
        if not left:
            raise DataError(f"{root}: no image of class {name!r} is readable; mend or remove them")
