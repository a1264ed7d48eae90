"""A table's figures from result cells. A figure that no cell gives is absent, and stays so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memgan.config import digest, named_configuration
from memgan.errors import ResultsError
from memgan.paper.cells.layout import Layout
from memgan.paper.cells.result_cells import ResultCell
from memgan.stats import OverSeeds, mean_over_classes


@dataclass(frozen=True)
class Table:
    """A layout with its figures."""

    layout: Layout
    classes: tuple[str, ...]
    figures: Mapping[str, Mapping[str, OverSeeds]]
    """By configuration, then class; a class without any cell is absent."""
    means: Mapping[str, OverSeeds]
    """Over the classes, of the seeds that every class has; absent where there is none."""
    missing: tuple[tuple[str, str, int], ...]
    """(configuration, class, seed) of the cells that belong here and were not run."""
    stale: int
    """Cells left out, as their configuration has been changed since."""
    cells: tuple[ResultCell, ...]
    """What the figures are made of."""


def fill(
    layout: Layout, cells: Sequence[ResultCell], classes: tuple[str, ...] | None = None
) -> Table:
    """The table of those of `cells` that belong in it.

    classes: those of the data set, where it is at hand; else the published ones, else those of
    the cells. ResultsError where the cells were made from different splits.
    """
    wanted = {column.configuration: set(column.seeds) for column in layout.columns}
    mine = [
        c
        for c in cells
        if c.dataset == layout.dataset and c.seed in wanted.get(c.configuration, ())
    ]
    shown = layout.classes or classes or _classes(layout, mine)
    mine = [cell for cell in mine if cell.normal_class in shown]
    valid = [cell for cell in mine if not _is_stale(layout, cell)]
    _of_one_split(valid)
    auroc = {(c.configuration, c.normal_class, c.seed): c.auroc for c in valid}
    figures = {}
    means = {}
    for column in layout.columns:
        name = column.configuration
        by_class = {
            klass: [auroc[name, klass, s] for s in column.seeds if (name, klass, s) in auroc]
            for klass in shown
        }
        figures[name] = {k: OverSeeds.of(values) for k, values in by_class.items() if values}
        complete = [s for s in column.seeds if all((name, k, s) in auroc for k in shown)]
        whole = [{s: auroc[name, k, s] for s in complete} for k in shown]
        if mean := mean_over_classes(whole):
            means[name] = mean
    missing = [
        (column.configuration, klass, seed)
        for column in layout.columns
        for seed in column.seeds
        for klass in shown
        if (column.configuration, klass, seed) not in auroc
    ]
    return Table(
        layout, shown, figures, means, tuple(missing), len(mine) - len(valid), tuple(valid)
    )


def _classes(layout: Layout, cells: Sequence[ResultCell]) -> tuple[str, ...]:
    for by_class in layout.published.values():
        return tuple(by_class)
    return tuple(sorted({cell.normal_class for cell in cells}))


def _is_stale(layout: Layout, cell: ResultCell) -> bool:
    configuration = named_configuration(layout.family, cell.configuration)
    return cell.versions.get("configuration") != digest(configuration, cell.normal_class)


def _of_one_split(cells: Sequence[ResultCell]) -> None:
    splits = Counter(cell.split_hash for cell in cells)
    if len(splits) > 1:
        rarest = min(splits, key=lambda split: splits[split])
        odd = next(cell for cell in cells if cell.split_hash == rarest)
        raise ResultsError(
            f"cells of {odd.dataset} were made from {len(splits)} different splits, so they are not"
            f" comparable; delete the odd ones, such as {odd.configuration}, class"
            f" {odd.normal_class}, seed {odd.seed}"
        )
