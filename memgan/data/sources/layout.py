"""Which files of a folder are images of which class, in which part of the source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from memgan.data.class_names import ordered
from memgan.data.left_out import LeftOut, left_out_lines
from memgan.data.reading.folder_contents import Contents, contents
from memgan.data.reading.image_files import SUFFIXES
from memgan.errors import DataError
from memgan.shell_words import quoted
from memgan.text import visible

EXPECTED = "DIR/<class>/*.png or DIR/{train,validation,test}/<class>/*.png"

Part = Literal["train", "validation", "test"]

PARTS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
    "test_public": "test",
}
_MAY_BE_A_CLASS = "valid"
"""A part's name that is a class's too, beside "invalid": then it holds images itself."""
_CLASSES_OF_OTHERS = frozenset(
    {"good", "bad", "ok", "ko", "ng", "normal", "anomaly", "anomalous", "abnormal", "defective"}
)
"""Names of folders that say how good a thing is, whatever their parent says."""
_IN_NO_CLASS = "an image in no class folder"
_NAMED = 20
_NO_PART = "neither train, validation nor test"


@dataclass(frozen=True)
class Layout:
    """The files of each part by class, classes in order and files by path; and what is not read."""

    parts: Mapping[Part, Mapping[str, list[Path]]]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]
    """One line for each thing that was taken for what its name does not say."""
    masks: Mapping[Path, Path] | None = None
    """The file of the mask, by image, where a table says so; None where folders do."""


def read_layout(root: Path) -> Layout:
    """The parts and classes under `root`.

    With a folder `train`, the folders that are parts by their names (capitals do not matter); else
    every folder is a class of train. Images in folders inside of a class folder are of that class.
    DataError for a folder without classes, a class without images, two folders for one part, a
    part without train, and a class folder that is a data set of its own.
    """
    return _Reader(root).read()


class _Reader:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._left_out: list[LeftOut] = []
        self._remarks: list[str] = []

    def read(self) -> Layout:
        top = _look(self._root, links=True)
        names = self._part_names(top)
        parts: dict[Part, dict[str, list[Path]]] = {}
        if not names:
            self._refuse_several_sets(top)
            parts["train"] = self._classes(self._root, top)
        else:
            self._left_out += top.left_out
            self._left_out += _outside(self._root, top)
            known = set(names.values())
            self._left_out += [
                LeftOut(self._root / name, _NO_PART, is_folder=True)
                for name in top.folders
                if name not in known
            ]
            for part, name in names.items():
                folder = self._root / name
                parts[part] = self._classes(folder, _look(folder, links=True))
        return Layout(parts, tuple(self._left_out), tuple(self._remarks))

    def _part_names(self, top: Contents) -> dict[Part, str]:
        """The folders that are parts, train first; none where all folders are classes."""
        named: dict[Part, list[str]] = defaultdict(list)
        for name in top.folders:
            if name.casefold() in PARTS:
                named[PARTS[name.casefold()]].append(name)
        if "train" not in named:
            named["validation"] = [n for n in named["validation"] if not self._is_class(n)]
            without = sorted(name for names in named.values() for name in names)
            if without:
                raise DataError(
                    f"{self._root} has a folder {without[0]} and none called train; expected"
                    f" {EXPECTED}"
                )
            return {}
        for part, names in named.items():
            if len(names) > 1:
                raise DataError(
                    f"{self._root} has {len(names)} folders for {part}, {' and '.join(names)};"
                    " keep one of them there"
                )
        order: tuple[Part, ...] = ("train", "validation", "test")
        return {part: named[part][0] for part in order if named[part]}

    def _refuse_several_sets(self, top: Contents) -> None:
        """A folder of categories, as MVTec AD comes, each with a part `train` of its own."""
        sets = [
            name
            for name in top.folders
            if {"train", "test"}
            <= {
                PARTS.get(inner.casefold())
                for inner in _look(self._root / name, links=True).folders
            }
        ]
        if sets:
            more = f" and {len(sets) - _NAMED} more" if len(sets) > _NAMED else ""
            raise DataError(
                f"{self._root} holds data sets of their own, {', '.join(sets[:_NAMED])}{more}; one"
                f" is searched at a time: --data {quoted(str(self._root / sets[0]))}"
            )

    def _is_class(self, name: str) -> bool:
        return name.casefold() == _MAY_BE_A_CLASS and bool(
            _look(self._root / name, links=True).images
        )

    def _classes(self, folder: Path, inside: Contents) -> dict[str, list[Path]]:
        self._left_out += inside.left_out
        self._left_out += _outside(folder, inside)
        if not inside.folders:
            aside = left_out_lines([each for each in inside.left_out if each.is_folder], folder)
            count, good = len(inside.images), self._root / "train" / "good"
            first = []
            if count and folder == self._root:
                first = [f"{count} images lie in it; move those of good things to {good}"]
            why = [f"{folder} holds no class folders", *aside, *first]
            raise DataError("; ".join([*why, f"expected {EXPECTED}"]))
        classes = {}
        for name in ordered(inside.folders):
            inner: list[str] = []
            classes[name] = self._images(folder / name, folder / name, inner)
            if not classes[name]:
                raise DataError(
                    f"class folder {folder / name} holds no images ({', '.join(SUFFIXES)}); add"
                    " some or remove the folder"
                )
            if inner:
                self._remarks.append(
                    visible(
                        f"class {name!r} of {folder.name} includes the images of"
                        f" {len(inner)} inner folders: {', '.join(inner[:10])}"
                        f"{f' and {len(inner) - 10} more' if len(inner) > 10 else ''}"
                    )
                )
        return classes

    def _images(self, class_folder: Path, folder: Path, inner: list[str]) -> list[Path]:
        """The images of a class in `folder` and in the folders inside of it, which join `inner`."""
        inside = _look(folder, links=False)
        self._left_out += inside.left_out
        files = [folder / name for name in inside.images]
        if files and folder != class_folder:
            inner.append(str(folder.relative_to(class_folder)))
        for name in inside.folders:
            if name.casefold() in PARTS or name.casefold() in _CLASSES_OF_OTHERS:
                raise DataError(
                    f"class folder {class_folder} holds {(folder / name).relative_to(class_folder)}"
                    f", as a data set of its own does; give {folder} as the data, or rename"
                    f" {name}"
                )
            files += self._images(class_folder, folder / name, inner)
        return files


def _outside(folder: Path, inside: Contents) -> list[LeftOut]:
    return [LeftOut(folder / name, _IN_NO_CLASS) for name in inside.images]


def _look(folder: Path, *, links: bool) -> Contents:
    try:
        return contents(folder, links=links)
    except OSError as error:
        raise DataError(
            f"{error.filename or folder}: {error.strerror}; expected {EXPECTED}"
        ) from None
