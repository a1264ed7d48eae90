"""Result cells: what one configuration gave on one data set, normal class and seed, in small JSON
files that are committed. Every table of results is rendered from them and from nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from memgan.config import Frozen, explain
from memgan.errors import ResultsError
from memgan.files import wait_for_lock, written_aside

Key = tuple[str, str, str, int]


class Recorded(Frozen):
    """What every recorded figure says of itself: what it is of, and what makes it again."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    configuration: str = Field(min_length=1)
    """A file of configs/ without its suffix, perhaps changed: `NAME+KEY=VALUE`."""
    dataset: str = Field(min_length=1)
    normal_class: str = Field(min_length=1)
    seed: int = Field(ge=0)
    command: str = Field(min_length=1)
    """What makes it where it is missing."""
    versions: dict[str, str]
    """Of packages; `configuration` is a digest of the values it was trained with."""
    machine: str = Field(min_length=1)
    split_hash: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def key(self) -> Key:
        """What there is one of."""
        return self.configuration, self.dataset, self.normal_class, self.seed


class ResultCell(Recorded):
    """One cell of a table."""

    auroc: float = Field(ge=0, le=1)
    """On the test images, anomalies positive."""
    average_precision: float = Field(ge=0, le=1)
    seconds: float = Field(ge=0)
    """Training and scoring, without loading the images."""


Kind = TypeVar("Kind", bound=Recorded)
_LAST = ("command", "versions", "machine", "split_hash")


def read_cells(folder: Path) -> list[ResultCell]:
    """`read_recorded` for result cells."""
    return read_recorded(folder, ResultCell)


def read_recorded(folder: Path, kind: type[Kind]) -> list[Kind]:
    """All of the .json files in `folder`, each an object or a list of them, in order of file and
    place. ResultsError, with the file, for anything else and for a key that is there twice. A
    folder that does not exist holds none."""
    seen: dict[Key, Path] = {}
    found = []
    for path in sorted(folder.glob("*.json")):
        for entry in _read_file(path, kind):
            if entry.key in seen:
                shown = ", ".join(map(str, entry.key))
                raise ResultsError(
                    f"{path}: the cell {shown} is also in {seen[entry.key]}; delete one of the two"
                )
            seen[entry.key] = path
            found.append(entry)
    return found


def add_recorded(folder: Path, entry: Recorded) -> None:
    """Put it with those of its data set and configuration, in place of an older one of its key.
    The file is complete at all times; several processes may add at once."""
    folder.mkdir(parents=True, exist_ok=True)
    base = entry.configuration.partition("+")[0]
    path = folder / f"{entry.dataset}-{base}.json"
    with _alone(folder):
        earlier = _read_file(path, type(entry)) if path.exists() else []
        kept = {other.key: other for other in earlier} | {entry.key: entry}
        lines = [json.dumps(_plain(kept[key]), ensure_ascii=False) for key in sorted(kept)]
        with written_aside(path) as partial:
            partial.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _plain(entry: Recorded) -> dict[str, Any]:
    """In the order of interest: what it is of, its figures, how it was made."""
    values = entry.model_dump()
    return {name: values[name] for name in values if name not in _LAST} | {
        name: values[name] for name in _LAST
    }


def _read_file(path: Path, kind: type[Kind]) -> list[Kind]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: not readable as JSON ({error}); restore the file") from None
    entries = content if isinstance(content, list) else [content]
    return [_entry(path, place, entry, kind) for place, entry in enumerate(entries)]


def _entry(path: Path, place: int, entry: Any, kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate_json(json.dumps(entry))
    except ValidationError as error:
        fault = explain(error, kind)
        raise ResultsError(f"{path}: cell {place}: {fault}; restore the file") from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold `folder` against other writers; the system lets go when this process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        wait_for_lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)
