"""Scores on their way out, row by row: CSV, Parquet, or one JSON document."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any, Protocol

from memgan.bundle.scoring import Scored
from memgan.errors import BadInput
from memgan.files import begins_with, check_output, written_aside

SUFFIXES = (".csv", ".parquet")
_COLUMNS = [field.name for field in fields(Scored) if field.name != "box"]
_BOX_COLUMNS = ["box_left", "box_top", "box_right", "box_bottom"]
"""Only where boxes were looked for."""
_ROWS_A_GROUP = 8192
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula."""
_IN_MEMORY = 2**20


class Table(Protocol):
    """Where rows go."""

    def write(self, rows: Sequence[Scored]) -> None: ...


@contextmanager
def table_file(path: Path, *, boxes: bool = False) -> Iterator[Table]:
    """A CSV or Parquet file, by its suffix, that is there in whole after the block or not at all.

    boxes: whether the rows have boxes to show. BadInput for another suffix, where the file cannot
    be written, or where another is there that is no such table.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"--out {path}: its suffix says the format, {' or '.join(SUFFIXES)}")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        with written_aside(check_output(path, _is_table)) as part:
            if suffix == ".csv":
                with part.open("w", newline="", encoding="utf-8") as file:
                    yield CsvTable(file, boxes=boxes)
            else:
                with _parquet(part, boxes) as table:
                    yield table
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise BadInput(f"{path} cannot be written ({reason}); choose another") from None


def _is_table(path: Path) -> bool:
    if path.suffix.lower() == ".csv":
        return begins_with(",".join(_COLUMNS))(path)
    from pyarrow import parquet

    return list(parquet.read_schema(path).names) in (_COLUMNS, [*_COLUMNS, *_BOX_COLUMNS])


class CsvTable:
    """CSV to an open text stream.

    Names are in quotes, which keeps a spreadsheet from cutting them at a character of its own
    choice. A relative path that would begin a formula gets `./` in front: the same file.
    """

    def __init__(self, stream: IO[str], *, boxes: bool = False) -> None:
        csv.writer(stream).writerow([*_COLUMNS, *(_BOX_COLUMNS if boxes else ())])
        self._boxes = boxes
        self._writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)

    def write(self, rows: Sequence[Scored]) -> None:
        self._writer.writerows(
            (
                f"./{row.image}" if row.image.startswith(_FORMULA) else row.image,
                float(f"{row.score:.6g}"),
                float(f"{row.p_value:.10g}"),
                row.anomalous,
                *((row.box or (None,) * 4) if self._boxes else ()),
            )
            for row in rows
        )


@contextmanager
def _parquet(path: Path, boxes: bool) -> Iterator[Table]:
    import pyarrow
    from pyarrow import parquet

    kinds = [pyarrow.string(), pyarrow.float64(), pyarrow.float64(), pyarrow.bool_()]
    columns = list(zip(_COLUMNS, kinds, strict=True))
    columns += [(name, pyarrow.int32()) for name in _BOX_COLUMNS if boxes]
    schema = pyarrow.schema(columns)
    with parquet.ParquetWriter(path, schema) as writer:
        table = _ParquetTable(writer, schema)
        yield table
        table.flush()


class _ParquetTable:
    """Rows in groups of a few thousand, as readers like them."""

    def __init__(self, writer: Any, schema: Any) -> None:
        self._writer = writer
        self._schema = schema
        self._rows: list[dict[str, Any]] = []

    def write(self, rows: Sequence[Scored]) -> None:
        for row in rows:
            box = dict(zip(_BOX_COLUMNS, row.box or (None,) * 4, strict=True))
            self._rows.append({**asdict(row), **box})
        if len(self._rows) >= _ROWS_A_GROUP:
            self.flush()

    def flush(self) -> None:
        import pyarrow

        self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []


class JsonDocument:
    """One JSON object to an open text stream, piece by piece."""

    def __init__(self, stream: IO[str], facts: dict[str, Any], *, boxes: bool = False) -> None:
        self._left_out = () if boxes else ("box",)
        self._stream = stream
        self._separator = ""
        self._stream.write(json.dumps(facts).removesuffix("}") + ', "images": [')

    def write(self, rows: Sequence[Scored]) -> None:
        for row in rows:
            shown = {k: v for k, v in asdict(row).items() if k not in self._left_out}
            self._stream.write(self._separator + json.dumps(shown))
            self._separator = ", "

    def end(self, **lists: Iterable[str]) -> None:
        """Close the rows, write further lists of strings, and close the document."""
        self._stream.write("]")
        for name, lines in lists.items():
            self._stream.write(f', "{name}": [')
            separator = ""
            for line in lines:
                self._stream.write(separator + json.dumps(line))
                separator = ", "
            self._stream.write("]")
        self._stream.write("}\n")


class Lines:
    """Lines to be told again later; on disk where they become many."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115  # kept open
            _IN_MEMORY, "w+", encoding="utf-8", newline="\n"
        )
        self.count = 0

    def add(self, line: str) -> None:
        """Append one line, which has no line break in it."""
        self._file.write(f"{line}\n")
        self.count += 1

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield line.removesuffix("\n")
