"""Result cells: what one configuration gave on one data set, normal class and seed, in small JSON
files that are committed. Every table of results is rendered from them and from nothing else."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from memgan.config import Frozen, explain
from memgan.errors import ResultsError


class ResultCell(Frozen):
    """One figure of a table and all that is needed to make it again."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    configuration: str = Field(min_length=1)
    """A file of configs/ without its suffix, perhaps changed: `NAME+KEY=VALUE`."""
    dataset: str = Field(min_length=1)
    normal_class: str = Field(min_length=1)
    seed: int = Field(ge=0)
    auroc: float = Field(ge=0, le=1)
    """On the test images, anomalies positive."""
    average_precision: float = Field(ge=0, le=1)
    seconds: float = Field(ge=0)
    """Training and scoring, without loading the images."""
    command: str = Field(min_length=1)
    """What makes this cell where it is missing."""
    versions: dict[str, str]
    """Of packages; `configuration` is a digest of the values it was trained with."""
    machine: str = Field(min_length=1)
    split_hash: str = Field(pattern="^[0-9a-f]{64}$")

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What a cell is the only one of."""
        return self.configuration, self.dataset, self.normal_class, self.seed


def read_cells(folder: Path) -> list[ResultCell]:
    """All cells of the .json files in `folder`, each an object or a list of them, in order of
    file and place. ResultsError, with the file, for anything else and for a cell that is there
    twice. A folder that does not exist holds none."""
    seen: dict[tuple[str, str, str, int], Path] = {}
    cells = []
    for path in sorted(folder.glob("*.json")):
        for cell in _read_file(path):
            if cell.key in seen:
                shown = ", ".join(map(str, cell.key))
                raise ResultsError(
                    f"{path}: the cell {shown} is also in {seen[cell.key]}; delete one of the two"
                )
            seen[cell.key] = path
            cells.append(cell)
    return cells


def add_cell(folder: Path, cell: ResultCell) -> None:
    """Put a cell with those of its data set and configuration, in place of an older one of the
    same key. The file is complete at all times; several processes may add at once."""
    folder.mkdir(parents=True, exist_ok=True)
    base = cell.configuration.partition("+")[0]
    path = folder / f"{cell.dataset}-{base}.json"
    with _alone(folder):
        cells = _read_file(path) if path.exists() else []
        kept = {other.key: other for other in cells} | {cell.key: cell}
        lines = [
            json.dumps(kept[key].model_dump(), ensure_ascii=False)
            for key in sorted(kept, key=lambda key: (key[0], key[2], key[3]))
        ]
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        partial.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
        partial.replace(path)


def _read_file(path: Path) -> list[ResultCell]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: not readable as JSON ({error}); restore the file") from None
    entries = content if isinstance(content, list) else [content]
    return [_cell(path, place, entry) for place, entry in enumerate(entries)]


def _cell(path: Path, place: int, entry: Any) -> ResultCell:
    try:
        return ResultCell.model_validate(entry)
    except ValidationError as error:
        fault = explain(error, ResultCell)
        raise ResultsError(f"{path}: cell {place}: {fault}") from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold `folder` against other writers; the system lets go when this process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
