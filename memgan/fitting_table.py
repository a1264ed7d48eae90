"""Tables for terminals of any width: nothing is cut; whole columns are left out, and named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from memgan.text import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

_WORD = 20
"""Characters from which on a word of a text is broken over lines rather than its column left
out."""


@dataclass(frozen=True)
class Column:
    """How one column is shown, and when it goes."""

    heading: str
    number: bool = False
    """To the right, and never broken over lines."""
    weight: int = 0
    """The least goes first where there is no room; of equals the last of them."""


class FittingTable:
    """A table whose first column, the rows' names, is always there and whole.

    Others are left out where there is no room for them, and a line says which. Where there is no
    room for a second one, each row is a name with a line for each of its cells.
    """

    def __init__(self, *columns: Column | str, title: str = "") -> None:
        """A column that is given by its heading is one of text."""
        self._columns = [Column(c) if isinstance(c, str) else c for c in columns]
        self._title = title
        self._rows: list[list[Text]] = []
        self._sections: set[int] = set()

    def add_row(self, *cells: str | Text) -> None:
        """One cell a column; a str is shown as it is, without markup."""
        from rich.text import Text

        self._rows.append([Text(visible(c)) if isinstance(c, str) else c for c in cells])

    def add_section(self) -> None:
        """A line between the rows so far and those to come."""
        self._sections.add(len(self._rows))

    @property
    def natural_width(self) -> int:
        """Terminal columns that all of it takes without a broken line."""
        return _frame(len(self._columns)) + sum(map(self._natural, range(len(self._columns))))

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        shown = self._shown(options.max_width)
        if len(shown) == 1 < len(self._columns):
            yield from self._blocks()
            return
        yield self._table(shown, options.max_width)
        left_out = [c.heading for n, c in enumerate(self._columns) if n not in shown]
        if left_out:
            yield _folded(f"no room for: {'; '.join(left_out)}. Widen the terminal, or take --json")

    def _shown(self, width: int) -> list[int]:
        shown = list(range(len(self._columns)))
        while len(shown) > 1 and _frame(len(shown)) + sum(map(self._least, shown)) > width:
            shown.remove(min(shown[1:], key=lambda n: (self._columns[n].weight, -n)))
        return shown

    def _natural(self, column: int) -> int:
        return max(self._widest(column), _length(self._columns[column].heading))

    def _least(self, column: int) -> int:
        """Terminal columns below which something of a column would be cut or hard to read."""
        heading = max(map(_length, self._columns[column].heading.split()), default=0)
        if column == 0 or self._columns[column].number:
            return max(self._widest(column), heading)
        words = (word for row in self._rows for word in row[column].plain.split())
        return max(heading, min(_WORD, max(map(_length, words), default=0)))

    def _widest(self, column: int) -> int:
        return max((row[column].cell_len for row in self._rows), default=0)

    def _table(self, shown: Sequence[int], width: int) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(visible(self._title), "table.title") if self._title else None)
        spare = width - _frame(len(shown)) - sum(map(self._least, shown))
        for number in shown:
            column, least = self._columns[number], self._least(number)
            more = max(0, min(spare, self._natural(number) - least))
            spare -= more
            table.add_column(
                Text(visible(column.heading)),
                justify="right" if column.number else "left",
                width=least + more,
                overflow="fold",
            )
        for place, row in enumerate(self._rows):
            if place in self._sections:
                table.add_section()
            table.add_row(*(row[number] for number in shown))
        return table

    def _blocks(self) -> Iterator[RenderableType]:
        from rich.text import Text

        if self._title:
            yield _folded(self._title)
        for name, *cells in self._rows:
            yield Text(name.plain, no_wrap=True, overflow="ignore")
            for column, cell in zip(self._columns[1:], cells, strict=True):
                yield Text.assemble(f"  {visible(column.heading)}: ", cell, overflow="fold")


def show(what: RenderableType, file: TextIO | None = None) -> None:
    """Print to standard output or `file`; what is no terminal has room for a whole table."""
    from rich.console import Console

    console = Console(file=file)
    if isinstance(what, FittingTable) and not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(file=file, width=max(console.width, what.natural_width))
    console.print(what, crop=False)


def _folded(line: str) -> Text:
    from rich.text import Text

    return Text(visible(line), overflow="fold")


def _frame(columns: int) -> int:
    """Terminal columns of lines and blanks around so many columns."""
    return 3 * columns + 1


def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(visible(text))
