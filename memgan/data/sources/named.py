"""Where images come from: named sources, built in or of plug-ins, a folder, or an .npz file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from memgan.config import DataConfig
from memgan.data.identical import told_of_twins
from memgan.data.images import LARGEST, SMALLEST, LabeledImages, Source
from memgan.data.sources.table import SUFFIXES as TABLES
from memgan.data.sources.torchvision_sets import data_root, is_present, load_official
from memgan.errors import DataError, MemganError, PluginFailed, UnknownName
from memgan.files import does_not_exist, expanded, near_name
from memgan.plugins import PluginPoint
from memgan.shell_words import shell_command

_YAML = (".yaml", ".yml")

Loader = Callable[[DataConfig, bool], Source]


@dataclass(frozen=True)
class NamedSource:
    """A data set that is asked for by name."""

    title: str
    load: Loader
    """From a configuration and whether a download is allowed."""
    files: bool = True
    """Whether it needs files in the data folder."""
    is_present: Callable[[Path], bool] | None = None
    """Whether its files lie in a data folder; None where only loading tells. Of a plug-in; those
    of the built-in ones are known."""


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


def _checked(name: str, found: object) -> NamedSource:
    if not isinstance(found, NamedSource):
        raise TypeError(
            f"its entry point leads to {type(found).__name__}, and must lead to a"
            " memgan.data.NamedSource"
        )
    return found


SOURCE_PLUGINS = PluginPoint("source", "memgan.sources", _checked)


def source_names() -> list[str]:
    """The names of all sources: those built in, then those of plug-ins."""
    return [*SOURCES, *(name for name in SOURCE_PLUGINS.names() if name not in SOURCES)]


def is_named_source(source: str) -> bool:
    """Whether `data.source` is a name, built in or of a plug-in, and no path."""
    return source in SOURCES or source in SOURCE_PLUGINS.names()


_READ_BY = {"source", "resize", "channels", "white_level", "unreadable"}
"""The settings, beside the data folder and the size, that say what is loaded; all others say how
it is cut."""


@dataclass(frozen=True)
class _LookedAt:
    """A source that was loaded to be looked at, and what was asked for."""

    found: NamedSource
    config: DataConfig
    asked: str
    source: Source

    def serves(self, found: NamedSource | None, config: DataConfig) -> bool:
        """Whether these are the images that `config` names, at its size."""
        sizes = {self.config.image_size}
        if self.config.image_size is None:
            _, *own = self.source.train.image_shape
            sizes.add((own[0], own[1]))
        return self.found is found and self.asked == _asked(config) and config.image_size in sizes


_looked_at: list[_LookedAt] = []
"""At most one, until anything is loaded."""


def look_at_named(config: DataConfig, *, download: bool = False) -> Source:
    """As `load_source` of a named source, which loads it again at once if it is asked for next."""
    source = load_source(config, download=download)
    found = _named(config.source)
    if found is not None:
        _looked_at[:] = [_LookedAt(found, config, _asked(config), source)]
    return source


def load_source(config: DataConfig, *, download: bool = False) -> Source:
    """The images that `config` names, at its size and channels: uint8 (N, C, H, W).

    data.source is a name of `source_names()`, or a path (as it is, else below the data folder).
    UnknownName for neither; DataError for images that are missing, unreadable, too small, of
    unequal shapes, or all alike; PluginFailed where a plug-in cannot be imported. Nothing is
    downloaded unless `download`.
    """
    looked_at = _looked_at.pop() if _looked_at else None
    found = _named(config.source)
    if looked_at and looked_at.serves(found, config):
        return looked_at.source
    if config.source in SOURCES:
        if config.white_level is not None:
            raise DataError(
                f"data.white_level is for files of your own, and {config.source} says itself what"
                " is white; remove it"
            )
        source = replace(SOURCES[config.source].load(config, download), benchmark=True)
    elif found is not None:
        source = _loaded(found, config, download)
    else:
        path = find_path(config)
        source = _load_path(path, config)
        if (
            path.suffix.lower() != ".npz"
        ):  # It told of images in two classes with the names of their files.
            _check(source)
            return source
    _check(source)
    return source if source.benchmark else told_of_twins(source)


def _named(source: str) -> NamedSource | None:
    return SOURCES.get(source) or SOURCE_PLUGINS.find(source)


def _asked(config: DataConfig) -> str:
    return f"{data_root(config)} {config.model_dump_json(include=_READ_BY)}"


def _loaded(plugin: NamedSource, config: DataConfig, download: bool) -> Source:
    try:
        source = plugin.load(config, download)
        if not isinstance(source, Source):
            raise TypeError(f"it gave {type(source).__name__}, and must give a memgan.data.Source")
    except (MemganError, OSError):
        raise
    except Exception as error:  # It is other people's code.
        raise SOURCE_PLUGINS.failed(config.source, error) from error
    return replace(source, name=config.source)


def availability(name: str, config: DataConfig) -> str:
    """Whether a named source can be loaded now: "ready", or what is missing."""
    source = _named(name)
    if source is None:
        raise SOURCE_PLUGINS.unknown(name, source_names())
    if not source.files:
        return "ready"
    root = data_root(config)
    if root is None:
        return "no data folder (--data-dir or MEMGAN_DATA)"
    present = partial(is_present, name) if name in SOURCES else source.is_present
    if present is None:
        return "only loading tells"
    return "ready" if present(root) else f"not in {root}"


def describe_sources(config: DataConfig) -> dict[str, tuple[str, str]]:
    """The title of every named source and its `availability`, by name.

    A plug-in that fails has its fault as its state, and hides no other.
    """
    rows = {name: (source.title, availability(name, config)) for name, source in SOURCES.items()}
    for name in source_names()[len(SOURCES) :]:
        try:
            source = SOURCE_PLUGINS.find(name)
            rows[name] = (source.title if source else "", availability(name, config))
        except PluginFailed as error:
            rows[name] = ("a plug-in", str(error))
        except Exception as error:
            rows[name] = ("a plug-in", str(SOURCE_PLUGINS.failed(name, error)))
    return rows


def source_name(source: str) -> str:
    """The name that a source's images have in records, from what `data.source` says of them."""
    if is_named_source(source):
        return source
    path = expanded(Path(source))
    if path.suffix.lower() in TABLES and path.stem.lower() == "files":
        path = path.resolve().parent
    is_file = path.suffix.lower() in (".npz", *TABLES)
    return _name_of(path.stem if is_file else path.resolve().name)


def find_path(config: DataConfig) -> Path:
    """The folder or file that `data.source` names, as it is or below the data folder. UnknownName
    where there is none."""
    given = expanded(Path(config.source))
    root = data_root(config)
    for path in (given, root / given) if root else (given,):
        if path.exists():
            return path
    if _is_plainly_a_path(config.source):
        below = f" (here or below {root})" if root and not given.is_absolute() else ""
        raise DataError(does_not_exist(given, f"give a folder of images or an .npz file{below}"))
    error = SOURCE_PLUGINS.unknown(config.source, source_names())
    near = near_name(given)
    such = f", such as {near}" if near else ""
    raise UnknownName(
        f"{error}; a path to an existing folder of images or .npz file works too{such}"
    )


def _is_plainly_a_path(source: str) -> bool:
    """Whether it can be no name: names have no slash, and no suffix of files that are given."""
    path = Path(source)
    return (
        "/" in source or source in (".", "..") or path.suffix.lower() in (".npz", *TABLES, *_YAML)
    )


def _load_path(path: Path, config: DataConfig) -> Source:
    if path.is_dir() or path.suffix.lower() in TABLES:
        from memgan.data.sources.folder import load_folder

        return load_folder(path, config, source_name(str(path)))
    if path.suffix.lower() == ".npz":
        from memgan.data.reading.npz import load_npz

        return load_npz(path, config, source_name(str(path)))
    if path.suffix.lower() in _YAML:
        command = shell_command("memgan", "search", str(path))
        raise DataError(
            f"{path} is a YAML file, not images; a study file is given without --data: {command}"
        )
    raise DataError(
        f"{path} is neither a folder of images nor a table of files nor an .npz file; give one of"
        " these"
    )


def _name_of(stem: str) -> str:
    # A folder that happens to be called mnist must not pass for MNIST in records and tables.
    return f"{stem}-files" if is_named_source(stem) or not stem else stem


def _check(source: Source) -> None:
    given = {"train": source.train, "validation": source.validation, "test": source.test}
    parts = {name: part for name, part in given.items() if part is not None}
    if empty := [name for name, part in parts.items() if len(part) == 0]:
        raise DataError(f"{source.name} has no images in its part {empty[0]}; add some")
    shapes = {part.image_shape for part in parts.values()}
    if len(shapes) > 1:
        shown = " and ".join(_shape(part) for part in parts.values())
        raise DataError(
            f"{source.name}: {' and '.join(parts)} differ in shape, {shown}; set data.image_size"
            " and data.channels"
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
