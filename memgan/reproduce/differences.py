"""What leaving a part out costs: differences of two columns, with their interval."""

from __future__ import annotations

import statistics

from memgan.reproduce.tables import Figure, Table


def difference(table: Table, first: str, second: str) -> Figure | None:
    """Mean over classes of `first` less `second`, seed by seed of those that both have whole.

    first, second: configurations of the table. None where they share no seed.
    """
    auroc = {(c.configuration, c.normal_class, c.seed): c.auroc for c in table.cells}
    seeds = sorted({cell.seed for cell in table.cells})
    gaps = []
    for seed in seeds:
        pairs = [(auroc.get((first, k, seed)), auroc.get((second, k, seed))) for k in table.classes]
        whole = [(a, b) for a, b in pairs if a is not None and b is not None]
        if whole and len(whole) == len(pairs):
            gaps.append(statistics.fmean(a - b for a, b in whole))
    return Figure.of(gaps) if gaps else None


def differences(table: Table) -> list[str]:
    """One line for each column but the first: what it has less or more than the first."""
    start, *variations = table.layout.columns
    lines = []
    for column in variations:
        gap = difference(table, column.configuration, start.configuration)
        if gap is None:
            continue
        half = gap.half_width
        if half is None:
            interval = " points (one seed)"
        else:
            none = "" if abs(gap.mean) > half else ", not told apart from none"
            interval = f" ± {100 * half:.1f} points{none}"
        lines.append(
            f"{column.title}: {100 * gap.mean:+.1f}{interval}"
            + _by_class(table, column.configuration, start.configuration)
        )
    return lines


def _by_class(table: Table, configuration: str, start: str) -> str:
    own, base = table.figures[configuration], table.figures[start]
    gaps = [f"{k} {100 * (own[k].mean - base[k].mean):+.1f}" for k in table.classes]
    return f" ({', '.join(gaps)})"
