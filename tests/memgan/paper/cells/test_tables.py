"""Tables come from cells alone: what was not run is missing, what was changed since is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from trained import trained

from memgan.config.named_configurations import configuration_names
from memgan.errors import ResultsError, UnknownName
from memgan.paper.cells.layout import TABLES, make_layout
from memgan.paper.cells.tables import fill
from memgan.paper.page.render import document, published_rows, remarks, rows
from memgan.stats.over_seeds import OverSeeds

RECIPE_PARTS = {"memgan-recipe", "alice-recipe", "autoencoder-recipe"}
OF_PARTS = RECIPE_PARTS | {"alice"}
DIGITS = [str(digit) for digit in range(10)]


@pytest.mark.parametrize("name", TABLES)
def test_without_cells_every_figure_of_ours_is_missing(name: str) -> None:
    table = fill(make_layout(name), [])

    ours = document(table)["columns"].values()
    assert ours
    assert all(set(column["classes"].values()) <= {None} for column in ours)
    assert all(column["mean"] is None for column in ours)
    wanted = sum(len(c.seeds) for c in table.layout.columns) * len(table.classes)
    assert len(table.missing) == wanted
    assert f"{wanted} of {wanted} cells were not run" in remarks(table)[0]
    width = 1 + len(table.layout.columns)
    body = rows(table)[1]
    assert all(row[1:width] == ["missing"] * (width - 1) for row in body)


def test_the_papers_columns_stand_beside_with_both_means() -> None:
    table = fill(make_layout("table1"), [])

    header, body = published_rows(table)
    ours, figures = rows(table)

    assert header[-1] == "MEMGAN"
    assert [row[-1] for row in body[-2:]] == ["96.3", "96.5"]
    assert ours[-1] == "paper: MEMGAN"
    assert figures[-1][-1] == "96.3"
    assert document(table)["published"]["MEMGAN"]["mean_printed"] == 0.965


def test_a_mean_over_classes_needs_every_class() -> None:
    layout = make_layout("table1", configurations=["memgan-recipe"], seeds=2)
    some = [trained("memgan-recipe", digit, 0.9) for digit in DIGITS[:9]]
    assert fill(layout, some).means == {}

    every = [*some, trained("memgan-recipe", "9", 1.0), trained("memgan-recipe", "9", 0.8, seed=1)]
    table = fill(layout, every)

    assert table.means["memgan-recipe"] == OverSeeds(pytest.approx(0.91), None, 1)
    assert table.figures["memgan-recipe"]["9"].sd == pytest.approx(0.2 / 2**0.5)
    shown = {row[0]: row[1] for row in rows(table)[1]}
    assert shown["0"] == "90.0 (1 of 2 seeds)"
    assert shown["9"] == "90.0 ± 14.1"
    assert shown["mean"] == "91.0 (1 of 2 seeds)"
    assert [missing[1:] for missing in table.missing] == [(digit, 1) for digit in DIGITS[:9]]


def test_cells_of_a_configuration_that_was_changed_since_are_left_out() -> None:
    layout = make_layout("table1", configurations=["pca"], classes=("3",))
    old = trained("pca", "3", 0.9, versions={"configuration": "something else"})

    table = fill(layout, [old])

    assert table.figures["pca"] == {}
    assert table.stale == 1
    assert "1 cells are left out" in remarks(table)[1]


def test_cells_of_other_tables_do_not_belong() -> None:
    layout = make_layout("table1", configurations=["pca"], classes=("3",))
    others = [
        trained("kde", "3", 0.9),
        trained("pca", "4", 0.9),
        trained("pca", "3", 0.9, seed=5),
        trained("pca", "3", 0.9, dataset="digits"),
        trained("pca+components=3", "3", 0.9),
    ]

    assert fill(layout, others).cells == ()


def test_figures_of_different_splits_are_never_put_in_one_table() -> None:
    layout = make_layout("table1", configurations=["pca"])
    cells = [trained("pca", "3", 0.9), trained("pca", "4", 0.9, split_hash="1" * 64)]

    with pytest.raises(ResultsError, match="2 different splits"):
        fill(layout, cells)


def test_an_interval_is_students() -> None:
    # t(0.975, 2) = 4.303
    assert OverSeeds.of([0.9, 0.91, 0.92]).half_width == pytest.approx(
        4.3027 * 0.01 / 3**0.5, rel=1e-4
    )
    assert OverSeeds.of([0.9]).half_width is None


def test_every_configuration_of_ours_has_a_column() -> None:
    for name, family in (("table1", "mnist"), ("table2", "cifar10")):
        columns = {column.configuration for column in make_layout(name).columns}
        known = {n for n in configuration_names(family) if not n.startswith("features-")}
        assert columns == known - OF_PARTS
    columns = {column.configuration for column in make_layout("features").columns}
    known = {n for n in configuration_names("cifar10") if n.startswith("features-")}
    assert columns == known


def test_what_was_chosen_with_test_images_in_sight_stands_with_the_parts_alone() -> None:
    for name in ("table1", "table2"):
        columns = {column.configuration for column in make_layout(name).columns}
        assert not columns & RECIPE_PARTS
    parts = {column.configuration for column in make_layout("ablations-recipe").columns}
    assert parts >= RECIPE_PARTS


def test_an_unknown_table_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match="table1"):
        make_layout("table7")


def test_committed_cells_all_belong_to_a_table_of_today() -> None:
    from memgan.paper.cells.result_cells import read_cells

    cells = read_cells(Path(__file__).parents[4] / "benchmarks" / "results" / "cells")
    tables = [fill(make_layout(name), cells) for name in TABLES]

    assert sum(table.stale for table in tables) == 0
