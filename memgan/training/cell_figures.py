"""The figures of trained cells: of one class over its seeds, and over all classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field

from memgan.config import Frozen
from memgan.health import mean_health
from memgan.stats import OverSeeds, mean_of_known, mean_over_classes

if TYPE_CHECKING:
    from memgan.training.cells import Cell


class Figures(Frozen):
    """AUROC, 0 to 1, of one class or over several; None where there are no labelled anomalies."""

    # A report of another version may hold more, which stays in it.
    model_config = ConfigDict(frozen=True, extra="allow")

    val_auroc: float | None = None
    test_auroc_mean: float | None = None
    test_auroc_sd: float | None = None
    """The standard deviation over seeds; None for a single one."""
    pixel_auroc: float | None = None
    """The mean over seeds, over the pixels of the test images; None without masks."""
    aupro: float | None = None
    """The area under the per-region overlap up to 30 % false positives, likewise."""
    pixel_f1: float | None = None
    """The best F1 of any threshold, likewise."""


BY_PIXEL = {
    "pixel_auroc": "pixel AUROC",
    "aupro": "AUPRO",
    "pixel_f1": "best F1 by pixel",
}
"""What the figures by pixel are called, by their names here."""


def shown_by_pixel(figures: Sequence[Figures]) -> list[str]:
    """Which figures by pixel a table of these has."""
    return [key for key in BY_PIXEL if any(getattr(one, key) is not None for one in figures)]


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
        **pixel_means(cells),
        seeds=tuple(cell.seed for cell in cells),
        test_auroc={str(cell.seed): cell.test_auroc for cell in cells},
        seconds=sum(cell.seconds for cell in cells),
        **({"health": health} if health else {}),
    )


def pixel_means(cells: Sequence[Cell]) -> dict[str, float | None]:
    """The figures by pixel over seeds; nothing where no cell has them."""
    known = [cell.pixels for cell in cells if cell.pixels is not None]
    if not known:
        return {}
    return {
        "pixel_auroc": mean_of_known(one.auroc for one in known),
        "aupro": mean_of_known(one.aupro for one in known),
        "pixel_f1": mean_of_known(one.best_f1 for one in known),
    }


def mean_figures(cells: Mapping[str, Sequence[Cell]]) -> Figures:
    """Means over classes; see `mean_over_classes`. A class without a figure is left out of the
    mean, and then there is no spread."""
    by_class = [
        {cell.seed: cell.test_auroc for cell in of_class if cell.test_auroc is not None}
        for of_class in cells.values()
    ]
    over_seeds = mean_over_classes([by_seed for by_seed in by_class if by_seed])
    of_classes = [figures for of in cells.values() if (figures := pixel_means(of))]
    return Figures(
        val_auroc=mean_of_known(class_figures(of_class).val_auroc for of_class in cells.values()),
        **{
            key: mean_of_known(figures[key] for figures in of_classes)
            for key in (of_classes[0] if of_classes else ())
        },
        test_auroc_mean=over_seeds.mean if over_seeds else None,
        test_auroc_sd=over_seeds.sd if over_seeds and all(by_class) else None,
    )
