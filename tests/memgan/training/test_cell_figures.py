"""The figures of one class over its seeds, and over classes."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from memgan.training.cell_figures import class_figures, mean_figures
from memgan.training.cells import Cell


def test_a_class_is_summed_up_over_its_seeds(cells: dict[str, list[Cell]]) -> None:
    found = class_figures(cells["0"])

    assert found.test_auroc_mean == pytest.approx(0.7)
    assert found.test_auroc_sd == pytest.approx(statistics.stdev([0.8, 0.6]))
    assert found.test_auroc == {"0": 0.8, "1": 0.6}
    assert found.seeds == (0, 1)
    assert class_figures(cells["0"][:1]).test_auroc_sd is None


def test_the_mean_has_the_spread_of_seeds_not_of_classes(cells: dict[str, list[Cell]]) -> None:
    found = mean_figures(cells)

    assert found.test_auroc_mean == pytest.approx(0.8)
    assert found.test_auroc_sd == pytest.approx(statistics.stdev([0.9, 0.7]))


def test_the_mean_stands_where_a_seed_of_a_class_is_lost(cells: dict[str, list[Cell]]) -> None:
    cells["1"].pop()

    found = mean_figures(cells)

    assert found.test_auroc_mean == pytest.approx((0.7 + 1.0) / 2)
    assert found.test_auroc_sd is None


def test_absent_figures_stay_absent(cells: dict[str, list[Cell]]) -> None:
    blind = {
        name: [replace(c, val_auroc=None, test_auroc=None) for c in of_class]
        for name, of_class in cells.items()
    }

    assert set(mean_figures(blind).model_dump().values()) == {None}
    assert class_figures(blind["0"]).test_auroc == {"0": None, "1": None}
