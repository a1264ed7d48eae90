"""A table of images: path, label and, where they are stated, split and mask; also VisA's own.

`files.csv` or `files.parquet` in a folder, or any such table by its path. Paths are relative to the
table's folder.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from memgan.data.class_names import ordered
from memgan.data.sources.layout import PARTS, Layout, Part, read_layout
from memgan.errors import DataError
from memgan.text import visible

SUFFIXES = (".csv", ".parquet")
_NAMES = ("files.csv", "files.parquet")
_COLUMNS = {"path": ("path", "image"), "label": ("label",), "split": ("split",), "mask": ("mask",)}
_EXPECTED = "a table has the columns path and label, and perhaps split and mask"
_VISA_SPLIT = Path("split_csv") / "1cls.csv"
_VISA_OWN = "image_anno.csv"
_OBJECT, _NORMAL = "object", "normal"
_KNOWN = {_OBJECT}.union(*_COLUMNS.values())

_Row = Mapping[str, str]


def layout_of(path: Path) -> Layout:
    """The files that a path means: a table's, or those of a folder by its table or by its folders.

    DataError for a table that lacks a column, a row whose file or mask is missing or whose split
    nobody knows, and as of `read_layout`.
    """
    if path.is_file():
        return read_table(path)
    for name in _NAMES:
        if (path / name).is_file():
            return read_table(path / name)
    if (path / "Data" / "Images").is_dir():
        for table in (path.parent / _VISA_SPLIT, path / _VISA_OWN):
            if table.is_file():
                return _of_visa(path, table)
    return read_layout(path)


def read_table(table: Path) -> Layout:
    """The layout that a table states."""
    return _layout(table, table.parent, list(_rows(table)))


def _of_visa(folder: Path, table: Path) -> Layout:
    """One object of VisA: of its split, which names all objects, or of its own table without one.
    Every defect is of the class `anomaly`, as names of several are joined by commas there."""
    rows = [row for row in _rows(table) if row.get(_OBJECT, folder.name) == folder.name]
    named = [{**row, "label": _NORMAL if row["label"] == _NORMAL else "anomaly"} for row in rows]
    if not named:
        raise DataError(visible(f"{table} has no row of {folder.name}"))
    return _layout(table, folder.parent, named)


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Rows with the columns that we know, by our names for them; of an absent one, no key."""
    columns, rows = _parquet(table) if table.suffix.lower() == ".parquet" else _csv(table)
    folded = {_folded(name): name for name in columns}
    found = {
        ours: folded[theirs]
        for ours, names in _COLUMNS.items()
        for theirs in reversed(names)
        if theirs in folded
    }
    if missing := [name for name in ("path", "label") if name not in found]:
        raise DataError(
            visible(
                f"{table} has no column {' and no column '.join(missing)}, only"
                f" {', '.join(columns)[:200] or 'nothing'}; {_EXPECTED}"
            )
        )
    if _OBJECT in folded:
        found[_OBJECT] = folded[_OBJECT]
    for row in rows:
        yield {ours: (row.get(theirs) or "").strip() for ours, theirs in found.items()}


def _folded(name: str) -> str:
    return name.strip().casefold()


def _csv(table: Path) -> tuple[Sequence[str], Sequence[Mapping[str, str | None]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            separator = max(",;\t", key=head.count)
            reader = csv.DictReader(file, delimiter=separator, restkey="")
            return list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            visible(f"{table} is no CSV file in UTF-8 ({error}); {_EXPECTED}")
        ) from None


def _parquet(table: Path) -> tuple[Sequence[str], Sequence[Mapping[str, str | None]]]:
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(table) as file:
            names = list(file.schema_arrow.names)
            # Whatever stands in other columns, Python may have no value for it.
            known = [name for name in names if _folded(name) in _KNOWN]
            rows = [
                {name: None if value is None else str(value) for name, value in row.items()}
                for row in file.read(columns=known).to_pylist()
            ]
    except (OSError, ArrowException, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            visible(f"{table} is no Parquet file that can be read ({reason}); {_EXPECTED}")
        ) from None
    return names, rows


def _layout(table: Path, root: Path, rows: Sequence[_Row]) -> Layout:
    objects = ordered(row[_OBJECT] for row in rows if _OBJECT in row)
    if len(objects) > 1:
        raise DataError(
            visible(
                f"{table} is of several data sets, {', '.join(objects[:20])}; give the folder of"
                f" one, such as {table.parent.parent / objects[0]}"
            )
        )
    parts: dict[Part, dict[str, list[Path]]] = {"train": {}}
    masks: dict[Path, Path] = {}
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        where = f"{table}, row {number}"
        file = _file(root, row["path"], f"{where}: image")
        place = os.path.abspath(file)  # noqa: PTH100 - without `..`, and links stay
        if place in seen:
            raise DataError(
                visible(f"{where}: {file} is in row {seen[place]} too; keep one of them")
            )
        seen[place] = number
        if not row["label"]:
            raise DataError(visible(f"{where} has no label; give one"))
        parts.setdefault(_part(row, where), {}).setdefault(row["label"], []).append(file)
        if row.get("mask"):
            masks[file] = _file(root, row["mask"], f"{where}: mask")
    if not parts["train"]:
        raise DataError(visible(f"{table} has no image of the split train; add some"))
    order: tuple[Part, ...] = ("train", "validation", "test")
    ordered_parts = {
        part: {label: sorted(parts[part][label]) for label in ordered(parts[part])}
        for part in order
        if part in parts
    }
    return Layout(ordered_parts, (), (), masks)


def _part(row: _Row, where: str) -> Part:
    if "split" not in row:
        return "train"
    if (part := PARTS.get(row["split"].casefold())) is None:
        raise DataError(
            visible(
                f"{where}: split {row['split']!r} is none of train, validation and test; give one"
                " of them, or leave the column out"
            )
        )
    return part


def _file(root: Path, name: str, what: str) -> Path:
    if not name:
        raise DataError(visible(f"{what} has no path; give one"))
    path = root / name
    if not os.path.isfile(path):  # noqa: PTH113 - of a name that is too long `Path` raises
        raise DataError(visible(f"{what} {path} does not exist; mend the path, or remove the row"))
    return path
