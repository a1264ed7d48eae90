"""What leaving a part out costs: differences of two columns, with their interval."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from memgan.paper.cells.tables import Table
from memgan.paper.page.render import markdown, rows
from memgan.paper.published.tables import RUNS, PublishedFigure
from memgan.stats import OverSeeds, half_width, squared_error

UNSURE = "cannot be distinguished from 0"
"""What is said of a difference whose 95 % interval contains 0."""
_DIFFERENCES = (
    "Differences from {first}, seed by seed: the mean over classes with its 95 % interval, then"
    " each class:"
)


def difference(table: Table, first: str, second: str) -> OverSeeds | None:
    """Mean over classes of `first` less `second`, seed by seed of those that both have whole.

    first, second: configurations of the table. None where they share no seed.
    """
    by_seed = _gaps(table, first, second)
    return OverSeeds.of([statistics.fmean(gaps.values()) for gaps in by_seed]) if by_seed else None


def half_width_between(first: OverSeeds, second: OverSeeds) -> float | None:
    """Half of the 95 % interval of two means' difference, their seeds not paired (Welch).

    One that draws no random numbers has no spread. None where neither has one.
    """
    return half_width([squared_error(f.sd, f.seeds) for f in (first, second) if f.sd])


def half_width_to_printed(own: OverSeeds, printed: Sequence[PublishedFigure]) -> float | None:
    """Half of the 95 % interval of how far `own` is from the mean of printed figures (Welch).

    printed: one for each class that `own` is over; their runs are taken as independent. None
    where `own` is of one seed, as nobody knows its spread then.
    """
    if own.sd is None:
        return None
    theirs = [squared_error(f.sd / len(printed), RUNS) for f in printed if f.sd]
    return half_width([*([squared_error(own.sd, own.seeds)] if own.sd else []), *theirs]) or 0.0


def differences(table: Table) -> list[str]:
    """One line for each column but the first: by how much it is above or below the first."""
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
            none = "" if abs(gap.mean) > half else f" ({UNSURE})"
            interval = f" ± {100 * half:.1f} points{none}"
        lines.append(
            f"{column.title}: {100 * gap.mean:+.1f}{interval}"
            + _by_class(table, column.configuration, start.configuration)
        )
    return lines


def _by_class(table: Table, first: str, second: str) -> str:
    by_seed = _gaps(table, first, second)
    gaps = {k: statistics.fmean(gaps[k] for gaps in by_seed) for k in table.classes}
    return f" ({', '.join(f'{k} {100 * gap:+.1f}' for k, gap in gaps.items())})"


def _gaps(table: Table, first: str, second: str) -> list[dict[str, float]]:
    """By class, of each seed that both configurations have for all classes of the table."""
    auroc = {(c.configuration, c.normal_class, c.seed): c.auroc for c in table.cells}

    def whole(configuration: str, seed: int) -> bool:
        return all((configuration, k, seed) in auroc for k in table.classes)

    return [
        {k: auroc[first, k, seed] - auroc[second, k, seed] for k in table.classes}
        for seed in sorted({cell.seed for cell in table.cells})
        if whole(first, seed) and whole(second, seed)
    ]


def with_differences(table: Table) -> str:
    """The table in Markdown, and below it how far the other columns are from the first one."""
    parts = [markdown(*rows(table))]
    if lines := differences(table):
        parts.append(_DIFFERENCES.format(first=table.layout.columns[0].title))
        parts.append("\n".join(f"- {line}" for line in lines))
    return "\n\n".join(parts)
