"""One definition of the mean over classes, of the spread over seeds, and of the interval."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest
from scipy import stats

from memgan.stats.over_seeds import (
    OverSeeds,
    half_width,
    mean_of_known,
    mean_over_classes,
    squared_error,
)

ROOT = Path(__file__).resolve().parents[3]
VALUES, OTHERS = [0.91, 0.94, 0.92, 0.95], [0.90, 0.86, 0.88]


def test_one_seed_has_a_mean_and_neither_spread_nor_interval() -> None:
    assert OverSeeds.of([0.9]) == OverSeeds(0.9, None, 1)
    assert OverSeeds.of([0.9]).half_width is None


def test_seeds_that_agree_have_no_width() -> None:
    assert OverSeeds.of([0.9, 0.9]).half_width == 0


def test_the_interval_of_a_mean_is_students() -> None:
    found = stats.ttest_1samp(VALUES, 0).confidence_interval(0.95)

    assert OverSeeds.of(VALUES).half_width == pytest.approx((found.high - found.low) / 2)


def test_the_interval_of_a_difference_is_welchs() -> None:
    found = stats.ttest_ind(VALUES, OTHERS, equal_var=False).confidence_interval(0.95)

    errors = [squared_error(statistics.stdev(v), len(v)) for v in (VALUES, OTHERS)]

    assert half_width(errors) == pytest.approx((found.high - found.low) / 2)
    assert half_width([]) is None


def test_the_mean_over_classes_weighs_classes_alike_and_has_the_spread_of_whole_seeds() -> None:
    found = mean_over_classes([{0: 0.8, 1: 0.6, 2: 0.7}, {0: 1.0, 1: 0.8}])

    assert found is not None
    assert found.mean == pytest.approx((0.7 + 0.9) / 2)
    assert found.sd == pytest.approx(statistics.stdev([0.9, 0.7]))
    assert found.seeds == 2


def test_without_figures_there_is_no_mean() -> None:
    assert mean_over_classes([]) is None
    assert mean_over_classes([{0: 0.9}, {}]) is None
    assert mean_of_known([None, 0.8, 1.0]) == pytest.approx(0.9)
    assert mean_of_known([None]) is None


def test_spread_and_interval_are_defined_here_alone() -> None:
    elsewhere = [
        str(path.relative_to(ROOT))
        for folder in ("memgan", "tracking", "search", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "over_seeds.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("statistics.stdev", "t.ppf")
    ]
    assert elsewhere == []
