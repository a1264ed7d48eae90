"""What a part is worth is said seed by seed, and with its interval."""

from __future__ import annotations

import statistics

import pytest
from trained import trained

from memgan.paper.cells.layout import make_layout
from memgan.paper.cells.result_cells import ResultCell
from memgan.paper.cells.tables import Table, fill
from memgan.paper.page.differences import (
    difference,
    differences,
    half_width_between,
    half_width_to_printed,
)
from memgan.paper.published.tables import PublishedFigure
from memgan.stats.over_seeds import OverSeeds

WHOLE, BARE = "memgan", "memgan+adversarial_weight=0"


def cells(configuration: str, by_seed: dict[int, float]) -> list[ResultCell]:
    return [
        trained(configuration, digit, auroc + above, seed)
        for seed, auroc in by_seed.items()
        for digit, above in (("2", 0.0), ("5", 0.01), ("8", -0.01))
    ]


def table(whole: dict[int, float], bare: dict[int, float]) -> Table:
    return fill(make_layout("ablations"), [*cells(WHOLE, whole), *cells(BARE, bare)])


def test_seeds_are_paired_so_that_what_they_share_cancels() -> None:
    gap = difference(table({0: 0.90, 1: 0.94, 2: 0.92}, {0: 0.89, 1: 0.93, 2: 0.91}), BARE, WHOLE)

    assert gap is not None
    assert gap.mean == pytest.approx(-0.01)
    assert gap.half_width == pytest.approx(0, abs=1e-9)


def test_a_seed_that_one_of_them_lacks_does_not_count() -> None:
    gap = difference(table({0: 0.90, 1: 0.94}, {1: 0.93, 2: 0.5}), BARE, WHOLE)

    assert gap is not None
    assert gap.seeds == 1
    assert gap.mean == pytest.approx(-0.01)
    assert difference(table({0: 0.90}, {1: 0.93}), BARE, WHOLE) is None


def test_a_difference_inside_its_interval_is_said_to_be_none() -> None:
    (sure,) = differences(table({0: 0.90, 1: 0.94, 2: 0.92}, {0: 0.889, 1: 0.93, 2: 0.911}))
    (unsure,) = differences(table({0: 0.90, 1: 0.94, 2: 0.92}, {0: 0.94, 1: 0.90, 2: 0.91}))

    assert sure == "without the adversary: -1.0 ± 0.2 points (2 -1.0, 5 -1.0, 8 -1.0)"
    assert unsure.startswith(
        "without the adversary: -0.3 ± 10.0 points (cannot be distinguished from 0)"
    )


def test_two_means_differ_within_welchs_interval() -> None:
    from scipy.stats import ttest_ind

    first, second = [0.90, 0.91, 0.93], [0.85, 0.86, 0.84, 0.88]
    expected = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    half = half_width_between(OverSeeds.of(first), OverSeeds.of(second))
    assert half == pytest.approx((expected.high - expected.low) / 2)


def test_what_draws_no_random_numbers_adds_no_spread() -> None:
    figure = OverSeeds.of([0.90, 0.91, 0.93])
    assert half_width_between(figure, OverSeeds.of([0.8])) == pytest.approx(figure.half_width)
    assert half_width_between(OverSeeds.of([0.9]), OverSeeds.of([0.8])) is None


def test_against_the_paper_the_interval_holds_the_papers_spread_too() -> None:
    from scipy.stats import ttest_ind

    ours = [0.90, 0.91, 0.93]
    theirs = [0.88, 0.89, 0.90, 0.91, 0.90, 0.89, 0.92, 0.90, 0.91, 0.87]
    printed = PublishedFigure(statistics.fmean(theirs), statistics.stdev(theirs))
    expected = ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    half = half_width_to_printed(OverSeeds.of(ours), [printed])
    assert half == pytest.approx((expected.high - expected.low) / 2)


def test_the_papers_mean_over_classes_is_of_ten_runs_of_each() -> None:
    from scipy.stats import t

    printed = [PublishedFigure(0.9, 0.02)] * 4
    half = half_width_to_printed(OverSeeds.of([0.9, 0.9]), printed)
    assert half == pytest.approx(t.ppf(0.975, 4 * 9) * 0.02 / (4 * 10) ** 0.5)


def test_one_seed_of_ours_has_no_interval_against_the_paper() -> None:
    assert half_width_to_printed(OverSeeds.of([0.9]), [PublishedFigure(0.95, 0.02)]) is None


def test_equal_figures_on_both_sides_have_an_interval_of_none() -> None:
    assert half_width_to_printed(OverSeeds.of([0.9, 0.9]), [PublishedFigure(0.95, 0.0)]) == 0
