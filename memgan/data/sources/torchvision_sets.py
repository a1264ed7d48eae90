"""MNIST, Fashion-MNIST and CIFAR-10 from their official files, placed by hand or downloaded."""

from __future__ import annotations

import contextlib
import filecmp
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memgan.config import DataConfig
from memgan.data.images import LabeledImages, Source
from memgan.errors import DataError
from memgan.files import expanded, scratch_folder

_DIGITS = tuple("0123456789")
_IDX_FILES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


@dataclass(frozen=True)
class _Official:
    """One of torchvision's data sets: its class there, and where its files lie below the root."""

    kind: str
    folder: str
    files: tuple[str, ...]
    class_names: tuple[str, ...]


_SETS = {
    "mnist": _Official("MNIST", "MNIST/raw", _IDX_FILES, _DIGITS),
    "fashion-mnist": _Official(
        "FashionMNIST",
        "FashionMNIST/raw",
        _IDX_FILES,
        # The first is "T-shirt/top" officially; names here are fit for folders and options.
        (
            *("t-shirt", "trouser", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "ankle-boot"),
        ),
    ),
    "cifar10": _Official(
        "CIFAR10",
        "cifar-10-batches-py",
        (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
        (
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
    ),
}


def data_root(config: DataConfig) -> Path | None:
    """Where named data sets are looked for: data.dir, else MEMGAN_DATA, else nowhere."""
    if config.dir is not None:
        return config.dir
    named = os.environ.get("MEMGAN_DATA")
    return expanded(Path(named)) if named else None


def is_present(name: str, root: Path) -> bool:
    """Whether all files of a named set lie below `root`; their content is not looked at."""
    official = _SETS[name]
    return all((root / official.folder / file).is_file() for file in official.files)


def load_official(name: str, config: DataConfig, *, download: bool) -> Source:
    """A named set with its official test part. DataError if it is missing, damaged, or cannot be
    downloaded; nothing is fetched unless `download`."""
    root = data_root(config)
    if root is None:
        raise DataError(
            f"{name} needs a data folder: give --data-dir DIR or set MEMGAN_DATA; expected there:"
            f" {_layout(name)}; --download fetches it"
        )
    if not download and not is_present(name, root):
        raise DataError(
            f"{name} is not in {root}; expected there (unpacked): {_layout(name)}; give the right"
            " folder with --data-dir, or fetch it with --download"
        )
    if not is_present(name, root):
        _fetch(name, root)
    train = _load_part(name, root, config, train=True)
    return Source(name, train, _load_part(name, root, config, train=False))


def _fetch(name: str, root: Path) -> None:
    """Download a set into a folder of its own, and move from there what `root` lacks."""
    from torchvision import datasets

    official = _SETS[name]
    try:
        with scratch_folder(root / "download") as fresh:
            with contextlib.redirect_stdout(sys.stderr):
                getattr(datasets, official.kind)(fresh, train=True, download=True)
            below = [Path(official.folder, file) for file in official.files]
            for path in below:
                there = root / path
                if there.exists() and not filecmp.cmp(fresh / path, there, shallow=False):
                    raise DataError(
                        f"{there} is not the official file, and stays; move it away, and give"
                        " --download again"
                    )
            for path in below:
                if not (root / path).exists():
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (fresh / path).rename(root / path)
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AssertionError) as error:
        raise _unusable(name, root, "could not be downloaded to", error) from None


def _unusable(name: str, root: Path, what: str, error: Exception) -> DataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(
        f"{name} {what} {root} ({reason[:300]}); place the official files by hand, unpacked:"
        f" {_layout(name)}"
    )


def _load_part(name: str, root: Path, config: DataConfig, *, train: bool) -> LabeledImages:
    # Late, because a missing set should be told without the seconds torchvision takes to import.
    from torchvision import datasets

    from memgan.data.reading.pixels import conform
    from memgan.data.reading.room import check_array_room

    official = _SETS[name]
    try:
        # Standard output belongs to the command's own report. CIFAR-10's files are pickles, which
        # can run code; torchvision checks each one's MD5 against the official value beforehand.
        with contextlib.redirect_stdout(sys.stderr):
            found: Any = getattr(datasets, official.kind)(root, train=train, download=False)
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AssertionError) as error:
        raise _unusable(name, root, "is damaged in", error) from None
    images = np.asarray(found.data, dtype=np.uint8)
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    labels = np.asarray(found.targets, dtype=np.int64)
    if len(images) != len(labels) or not len(images) or labels.max() >= len(official.class_names):
        raise DataError(
            f"{name} is damaged in {root}: images and labels disagree; move its files away"
            " and fetch them again with --download"
        )
    check_array_room(images, config.image_size, config.channels, name)
    pixels = conform(
        np.ascontiguousarray(images), config.image_size, config.channels, config.resize
    )
    return LabeledImages(pixels, labels, official.class_names)


def _layout(name: str) -> str:
    official = _SETS[name]
    return f"{official.folder}/{{{','.join(official.files)}}}"
