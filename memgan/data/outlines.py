"""How many images a source has, and how large they are, before any pixel of files is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memgan.config import DataConfig
from memgan.data.images import Source
from memgan.data.reading.npz import npz_outline
from memgan.data.reading.opening import read_upright_size
from memgan.data.sources.named import find_path, is_named_source, load_source, look_at_named
from memgan.data.sources.table import SUFFIXES, layout_of

_LOOKED_AT = 2000
"""Files whose headers are read, at most; of more, as many at even distances."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Outline:
    """What a source holds, by numbers."""

    counts: Mapping[str, Mapping[str, int]]
    """Images by part ("train", "validation", "test") and class; parts that it comes with."""
    sizes: Mapping[Size, int]
    """How many of the images that were looked at have which height and width."""


def outline(config: DataConfig, *, download: bool = False) -> Outline:
    """The outline of the source that `config` names; errors as those of `load_source`.

    Of a folder the names and headers of files are read, of an .npz the headers of arrays and the
    labels. A named source is loaded, and kept for whoever loads it next.
    """
    if is_named_source(config.source):
        return _of_source(look_at_named(config, download=download))
    path = find_path(config)
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return _of_folder(path)
    found = npz_outline(path) if path.suffix.lower() == ".npz" else None
    if found is None:  # Whoever loads it says what is wrong.
        return _of_source(load_source(config, download=download))
    counts, sizes = found
    return Outline(counts, Counter(sizes))


def _of_source(source: Source) -> Outline:
    given = {"train": source.train, "validation": source.validation, "test": source.test}
    parts = {name: part for name, part in given.items() if part is not None}
    _, height, width = source.train.image_shape
    return Outline(
        {name: part.counts() for name, part in parts.items()},
        {(height, width): sum(map(len, parts.values()))},
    )


def _of_folder(root: Path) -> Outline:
    parts = layout_of(root).parts
    by_class = [files for classes in parts.values() for files in classes.values()]
    return Outline(
        {
            part: {name: len(of_class) for name, of_class in classes.items()}
            for part, classes in parts.items()
        },
        _sizes([file for files in by_class for file in files]),
    )


def _sizes(files: Sequence[Path]) -> Mapping[Size, int]:
    distance = 1 + (len(files) - 1) // _LOOKED_AT
    found = (read_upright_size(file) for file in files[::distance])
    return Counter(size for size in found if size is not None)
