"""The first lines of the page say what the cells say, and nothing where there are none."""

from __future__ import annotations

import pytest
from trained import trained

from memgan.paper.cells.layout import make_layout
from memgan.paper.cells.result_cells import ResultCell
from memgan.paper.cells.tables import Table, fill
from memgan.paper.page.summary import summary

DIGITS = [str(digit) for digit in range(10)]


def _summary(cells: list[ResultCell]) -> str:
    names = ("table1", "table2", "table3", "ablations", "ablations-recipe")
    tables: dict[str, Table] = {name: fill(make_layout(name), cells) for name in names}
    return summary(tables, make_layout("hull"), [])


def _whole(name: str, auroc: float, seeds: int = 1) -> list[ResultCell]:
    return [trained(name, digit, auroc, seed) for seed in range(seeds) for digit in DIGITS]


def test_without_cells_no_claim_is_judged() -> None:
    assert _summary([]).count("too few cells yet") == 7


@pytest.mark.parametrize(
    ("auroc", "verdict"), [(0.97, "mnist: 2.0 points ahead of pca"), (0.9, "5.0 points behind pca")]
)
def test_memgan_stands_beside_the_best_simple_detector(auroc: float, verdict: str) -> None:
    cells = [
        *_whole("memgan", auroc, seeds=5),
        *_whole("pca", 0.95),
        *_whole("neighbours", 0.94),
        *_whole("iforest", 0.99),  # One seed of three.
    ]

    assert f"{verdict}, the best of 2 that are whole" in _summary(cells)


def test_memgan_as_printed_stands_beside_the_papers_mean_of_its_classes() -> None:
    cells = [
        trained("memgan-paper", digit, auroc, seed)
        for seed, auroc in enumerate((0.951, 0.953, 0.955))
        for digit in DIGITS
    ]

    # The mean of the paper's ten digits is 96.33, and ours has a standard error of 0.115; theirs
    # has one of 0.022, which makes of two degrees of freedom 2.15.
    assert "mnist: 1.03 ± 0.47 points behind the paper" in _summary(cells)
    assert "the paper; cifar10-jpeg" not in _summary(cells)


def test_half_a_column_has_no_mean_to_be_compared() -> None:
    cells = [*_whole("memgan", 0.97, seeds=4), *_whole("pca", 0.95)]

    assert "ahead" not in _summary(cells)


def test_a_part_counts_as_worth_something_only_beyond_its_interval() -> None:
    levels = {
        "memgan": (0.90, 0.91, 0.92),
        "alice": (0.88, 0.89, 0.90),
        "memgan+projection_weight=0": (0.93, 0.89, 0.92),
    }
    cells = [
        trained(name, digit, auroc, seed)
        for name, by_seed in levels.items()
        for seed, auroc in enumerate(by_seed)
        for digit in ("2", "5", "8")
    ]

    text = _summary(cells)
    assert "help: memory +2.0 ± 0.0" in text
    assert "cannot be distinguished from 0: projection loss -0.3 ± " in text
