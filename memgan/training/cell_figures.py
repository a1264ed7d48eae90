"""The figures of trained cells: of one class over its seeds, and over all classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ConfigDict, Field

from memgan.config import Frozen
from memgan.health import mean_health
from memgan.stats import OverSeeds, mean_of_known, mean_over_classes
from memgan.training.cells import Cell


class Figures(Frozen):
    """AUROC, 0 to 1, of one class or over several; None where there are no labelled anomalies."""

    # A report of another version may hold more, which stays in it.
    model_config = ConfigDict(frozen=True, extra="allow")

    val_auroc: float | None = None
    test_auroc_mean: float | None = None
    test_auroc_sd: float | None = None
    """The standard deviation over seeds; None for a single one."""


class ClassFigures(Figures):
    """The figures of one normal class."""

    seeds: tuple[int, ...] = ()
    test_auroc: dict[str, float | None] = Field(default_factory=dict)
    """By seed."""
    seconds: float = 0.0
    """The figure of all trainings together."""
    health: dict[str, float] = Field(default_factory=dict)
    """Measures of memory and game after the last epoch, means over seeds, by the names in
    `memgan.health.MEASURES`."""


def class_figures(cells: Sequence[Cell]) -> ClassFigures:
    """The figures of one class over its seeds."""
    tested = [cell.test_auroc for cell in cells if cell.test_auroc is not None]
    over_seeds = OverSeeds.of(tested) if tested else None
    health = mean_health(cell.health[-1] for cell in cells if cell.health)
    return ClassFigures(
        val_auroc=mean_of_known(cell.val_auroc for cell in cells),
        test_auroc_mean=over_seeds.mean if over_seeds else None,
        test_auroc_sd=over_seeds.sd if over_seeds else None,
        seeds=tuple(cell.seed for cell in cells),
        test_auroc={str(cell.seed): cell.test_auroc for cell in cells},
        seconds=sum(cell.seconds for cell in cells),
        **({"health": health} if health else {}),
    )


def mean_figures(cells: Mapping[str, Sequence[Cell]]) -> Figures:
    """Means over classes; see `mean_over_classes`. A class without a figure is left out of the
    mean, and then there is no spread."""
    by_class = [
        {cell.seed: cell.test_auroc for cell in of_class if cell.test_auroc is not None}
        for of_class in cells.values()
    ]
    over_seeds = mean_over_classes([by_seed for by_seed in by_class if by_seed])
    return Figures(
        val_auroc=mean_of_known(class_figures(of_class).val_auroc for of_class in cells.values()),
        test_auroc_mean=over_seeds.mean if over_seeds else None,
        test_auroc_sd=over_seeds.sd if over_seeds and all(by_class) else None,
    )
