"""Where images come from: named sources, a folder of images, or an .npz file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from memgan.config import DataConfig
from memgan.data.images import LARGEST, SMALLEST, LabeledImages, Source
from memgan.data.sources.torchvision_sets import data_root, is_present, load_official
from memgan.errors import DataError, UnknownName, unknown_name
from memgan.files import expanded

Loader = Callable[[DataConfig, bool], Source]


@dataclass(frozen=True)
class NamedSource:
    """A data set that is asked for by name."""

    title: str
    load: Loader
    """From a configuration and whether a download is allowed."""
    files: bool = True
    """Whether it needs files in the data folder."""


def _digits(config: DataConfig, download: bool) -> Source:
    from memgan.data.sources.digits import load_digits

    return load_digits(config)


def _official(name: str) -> Loader:
    return lambda config, download: load_official(name, config, download=download)


SOURCES: Mapping[str, NamedSource] = {
    "digits": NamedSource(
        "scikit-learn's handwritten digits, 1,797 grey images of 8×8", _digits, files=False
    ),
    "mnist": NamedSource("handwritten digits, 70,000 grey images of 28×28", _official("mnist")),
    "fashion-mnist": NamedSource(
        "articles of clothing, 70,000 grey images of 28×28", _official("fashion-mnist")
    ),
    "cifar10": NamedSource(
        "objects and animals, 60,000 colour images of 32×32", _official("cifar10")
    ),
}


def load_source(config: DataConfig, *, download: bool = False) -> Source:
    """The images that `config` names, at its size and channels: uint8 (N, C, H, W).

    data.source is a name of `SOURCES`, or a path (as it is, else below the data folder).
    UnknownName for neither; DataError for images that are missing, unreadable, too small, of
    unequal shapes, or all alike. Nothing is downloaded unless `download`.
    """
    if config.source in SOURCES:
        if config.white_level is not None:
            raise DataError(
                f"data.white_level is for files of your own, and {config.source} says itself what"
                " is white; remove it"
            )
        source = replace(SOURCES[config.source].load(config, download), benchmark=True)
    else:
        source = _load_path(find_path(config), config)
    _check(source)
    return source


def availability(name: str, config: DataConfig) -> str:
    """Whether a named source can be loaded now: "ready", or what is missing."""
    if not SOURCES[name].files:
        return "ready"
    root = data_root(config)
    if root is None:
        return "no data folder (--data-dir or MEMGAN_DATA)"
    return "ready" if is_present(name, root) else f"not in {root}"


def source_name(source: str) -> str:
    """The name that a source's images have in records, from what `data.source` says of them."""
    if source in SOURCES:
        return source
    path = expanded(Path(source))
    return _name_of(path.stem if path.suffix.lower() == ".npz" else path.resolve().name)


def find_path(config: DataConfig) -> Path:
    """The folder or file that `data.source` names, as it is or below the data folder. UnknownName
    where there is none."""
    given = expanded(Path(config.source))
    root = data_root(config)
    for path in (given, root / given) if root else (given,):
        if path.exists():
            return path
    error = unknown_name("source", config.source, SOURCES)
    raise UnknownName(f"{error}; a path to an existing folder of images or .npz file works too")


def _load_path(path: Path, config: DataConfig) -> Source:
    if path.is_dir():
        from memgan.data.sources.folder import load_folder

        return load_folder(path, config, source_name(str(path)))
    if path.suffix.lower() == ".npz":
        from memgan.data.reading.npz import load_npz

        return load_npz(path, config, source_name(str(path)))
    raise DataError(f"{path} is neither a folder of images nor an .npz file; give one of these")


def _name_of(stem: str) -> str:
    # A folder that happens to be called mnist must not pass for MNIST in records and tables.
    return f"{stem}-files" if stem in SOURCES or not stem else stem


def _check(source: Source) -> None:
    parts = [source.train] if source.test is None else [source.train, source.test]
    if any(len(part) == 0 for part in parts):
        raise DataError(f"{source.name} has no images in one of its parts; add some")
    shapes = {part.image_shape for part in parts}
    if len(shapes) > 1:
        shown = " and ".join(_shape(part) for part in parts)
        raise DataError(
            f"{source.name}: train and test differ in shape, {shown}; set data.image_size and"
            " data.channels"
        )
    channels, height, width = source.train.image_shape
    if channels * height * width > LARGEST:
        raise DataError(
            f"{source.name}: images are {_shape(source.train)}, more than {LARGEST} values; set a"
            " smaller data.image_size"
        )
    if min(height, width) < SMALLEST:
        raise DataError(
            f"{source.name}: images are {height}×{width}, and at least {SMALLEST}×{SMALLEST} is"
            f" needed; set data.image_size={SMALLEST} or more"
        )
    if source.train.flat().all():
        raise DataError(
            f"{source.name}: every training image is constant, of one value throughout; nothing"
            " can be learned from such images"
        )


def _shape(part: LabeledImages) -> str:
    channels, height, width = part.image_shape
    return f"{channels}×{height}×{width} (C×H×W)"
