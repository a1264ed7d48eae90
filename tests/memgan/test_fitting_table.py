"""A table in a narrow terminal loses whole columns and names them; nothing is cut."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from memgan.fitting_table import Column, FittingTable, show

NAME = "digits-with-a-long-name"


def _table() -> FittingTable:
    table = FittingTable(
        "study",
        Column("best, validation", number=True, weight=1),
        "values",
        Column("state", weight=2),
        title="Studies of [mine]",
    )
    table.add_row(NAME, "97.25", "memory_units 50, learning_rate 0.001", Text("finished", "bold"))
    table.add_section()
    table.add_row("二", "–", "", "[stopped]")
    return table


def _printed(width: int, table: FittingTable | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(table or _table(), crop=False)
    return out.getvalue()


@pytest.mark.parametrize("width", [1, 8, 20, 30, 40, 50, 60, 72, 80, 200])
def test_at_any_width_names_are_whole_and_every_column_is_shown_or_named(width: int) -> None:
    text = _printed(width)
    joined = re.sub(r"\s+", "", text)

    assert NAME in text
    assert "二" in text
    assert "…" not in text
    for heading, cell in (("best, validation", "97.25"), ("values", "50"), ("state", "finished")):
        named = f"{heading};" in _left_out(text) or f"{heading}." in _left_out(text)
        assert named != (cell in joined), (heading, text)
    if width >= len(NAME):
        assert all(cell_len(line) <= width for line in text.splitlines())


def _left_out(text: str) -> str:
    """The line that names the columns left out, as if it were on one line."""
    _, _, rest = text.partition("no room for: ")
    return " ".join(rest.split()) if rest else ""


def test_the_least_columns_go_first() -> None:
    frame, name = 3 * 2 + 1, len(NAME)
    assert "no room for: best, validation; values." in " ".join(
        _printed(frame + name + len("[stopped]")).split()
    )
    # The heading of one column may be broken between its words, so that it takes ten.
    two = _printed(frame + 3 + name + len("[stopped]") + len("validation"))
    assert "no room for: values." in " ".join(two.split())


def test_with_room_for_the_names_alone_every_row_is_a_block() -> None:
    assert _printed(30).splitlines() == [
        "Studies of [mine]",
        NAME,
        "  best, validation: 97.25",
        "  values: memory_units 50, ",
        "learning_rate 0.001",
        "  state: finished",
        "二",
        "  best, validation: –",
        "  values: ",
        "  state: [stopped]",
    ]


def test_figures_are_never_broken_over_lines() -> None:
    table = FittingTable("class", Column("test, 3 seeds", number=True))
    table.add_row("3", "97.2 ± 0.4")
    assert "97.2 ± 0.4" in _printed(24, table)


def test_control_characters_in_a_cell_stay_visible() -> None:
    table = FittingTable("class", "state")
    table.add_row("a\x1b[31m", "fine")
    assert "a\\x1b[31m" in _printed(80, table)


def test_a_file_has_room_for_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = FittingTable("study", "values")
    table.add_row(NAME, "word " * 50)
    out = io.StringIO()
    show(table, out)
    assert ("word " * 50).strip() in out.getvalue()

    monkeypatch.setenv("COLUMNS", "40")
    out = io.StringIO()
    show(table, out)
    assert ("word " * 50).strip() not in out.getvalue()
