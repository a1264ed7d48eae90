"""The page's first figures: means side by side, and the paper's claims beside what was found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from memgan.paper.cells.hull_cells import HullCell
from memgan.paper.cells.layout import Layout
from memgan.paper.cells.tables import Table
from memgan.paper.page.differences import (
    UNSURE,
    difference,
    half_width_between,
    half_width_to_printed,
)
from memgan.paper.page.hull_table import HullMeans, hulls_of
from memgan.paper.page.render import markdown, shown
from memgan.stats import OverSeeds

_ANCHORS = (
    *("pca", "pca-contrast", "neighbours", "hog-neighbours", "hog-mean-image"),
    *("ocsvm", "kde", "iforest", "autoencoder"),
)
"""What MEMGAN has to beat to be worth its price."""
_TOO_FEW = "too few cells yet"


def summary(tables: Mapping[str, Table], hull_layout: Layout, hulls: Sequence[HullCell]) -> str:
    """Markdown of the section, from tables by name; what cells do not answer says so."""
    questions = {
        "Does MEMGAN with the paper's values (memgan-paper) reach its figures?": _short(tables),
        "Is MEMGAN better than simple detectors?": _beside_anchors(tables),
        "Does every part of memgan help?": _parts(tables["ablations"]),
        "Does every part of memgan-recipe help, where contrast is not normalised?": _parts(
            tables["ablations-recipe"]
        ),
        "Does the number of memory units matter? The paper: hardly.": _units(tables["table3"]),
        "Do codes of normal images lie in the hull of the memory units, and others outside? The"
        " paper: yes.": _in_hull(hull_layout, hulls),
        "Without the projection loss, do units draw together and codes leave the hull? The paper:"
        " yes.": _without_projection(hull_layout, hulls),
    }
    found = [[question, text or _TOO_FEW] for question, text in questions.items()]
    return "\n\n".join(
        [
            "## In short",
            "Means over the ten classes, by configuration; [the"
            " columns](../benchmarks/results/README.md#the-columns) says what each is; "
            "cifar10-jpeg is CIFAR-10 as JPEG:",
            _means([tables["table1"], tables["table2"]]),
            "Below, ± is half of a difference's 95 % interval.",
            markdown(["question", "what was found"], found).replace("---:", "---"),
        ]
    )


def _means(tables: Sequence[Table]) -> str:
    names = dict.fromkeys(c.configuration for table in tables for c in table.layout.columns)
    body = [[name, *(_mean(table, name) for table in tables)] for name in names]
    printed = [_printed(table) for table in tables]
    body.append(["the paper's MEMGAN, recomputed", *(f"{100 * mean:.1f}" for mean in printed)])
    return markdown(["", *(table.layout.dataset for table in tables)], body)


def _mean(table: Table, configuration: str) -> str:
    for column in table.layout.columns:
        if column.configuration == configuration:
            return shown(table.means.get(configuration), len(column.seeds))
    return "–"


def _printed(table: Table) -> float:
    """The paper's mean for MEMGAN, recomputed from its classes."""
    return statistics.fmean(figure.mean for figure in table.layout.published["MEMGAN"].values())


def _short(tables: Mapping[str, Table]) -> str:
    """How far `memgan-paper` is from the paper's mean, by data set."""
    parts = []
    for table in (tables["table1"], tables["table2"]):
        if own := _whole(table).get("memgan-paper"):
            half = half_width_to_printed(own, list(table.layout.published["MEMGAN"].values()))
            gap = own.mean - _printed(table)
            parts.append(
                f"{table.layout.dataset}: {_ahead(gap, half)} the paper{_unsure(gap, half)}"
            )
    return "; ".join(parts)


def _beside_anchors(tables: Mapping[str, Table]) -> str:
    """How far `memgan` is ahead of the best of the simple detectors, by data set."""
    parts = []
    for table in (tables["table1"], tables["table2"]):
        whole = _whole(table)
        own = whole.get("memgan")
        wanted = [c.configuration for c in table.layout.columns if c.configuration in _ANCHORS]
        simple = {name: whole[name] for name in wanted if name in whole}
        if own is None or not simple:
            continue
        best = max(simple, key=lambda name: simple[name].mean)
        gap, half = own.mean - simple[best].mean, half_width_between(own, simple[best])
        of = f" that are whole, of {len(wanted)}" if len(simple) < len(wanted) else ""
        parts.append(
            f"{table.layout.dataset}: {_ahead(gap, half)} {best}, the best of"
            f" {len(simple)}{of}{_unsure(gap, half)}"
        )
    return "; ".join(parts)


def _whole(table: Table) -> dict[str, OverSeeds]:
    """Means of the columns whose seeds were all trained, so that no spread is left out."""
    seeds = {column.configuration: len(column.seeds) for column in table.layout.columns}
    return {name: mean for name, mean in table.means.items() if mean.seeds == seeds[name]}


def _ahead(gap: float, half: float | None) -> str:
    side = "ahead of" if gap >= 0 else "behind"
    if half is None:
        return f"{100 * abs(gap):.1f} points {side}"
    return f"{100 * abs(gap):.2f} ± {100 * half:.2f} points {side}"


def _unsure(gap: float, half: float | None) -> str:
    """What stands behind a difference that its interval does not tell from none."""
    return "" if half is None or abs(gap) > half else f" ({UNSURE})"


def _parts(table: Table) -> str:
    """What leaving each part out costs, in three groups by its 95 % interval."""
    start, *variations = table.layout.columns
    groups: dict[str, list[str]] = {"these help": [], UNSURE: [], "these do harm": []}
    for column in variations:
        gap = difference(table, column.configuration, start.configuration)
        if gap is None or gap.half_width is None:
            continue
        verdict = "these help" if gap.mean < 0 else "these do harm"
        if abs(gap.mean) <= gap.half_width:
            verdict = UNSURE
        text = f"{column.title.removeprefix('without ')} {-100 * gap.mean:+.1f}"
        groups[verdict].append(f"{text} ± {100 * gap.half_width:.1f}")
    parts = [f"{verdict}: {', '.join(names)}" for verdict, names in groups.items() if names]
    of = f"points, on average over {table.layout.dataset} {', '.join(table.classes)}"
    return f"{of}: {'; '.join(parts)}" if parts else ""


def _units(table: Table) -> str:
    columns = {c.configuration: c for c in table.layout.columns}
    means = {name: mean for name, mean in table.means.items() if name in columns}
    if len(means) < 2:
        return ""

    def told(name: str) -> str:
        return f"{shown(means[name], len(columns[name].seeds))} ({columns[name].title})"

    low, high = (end(means, key=lambda name: means[name].mean) for end in (min, max))
    return (
        f"the mean over {table.layout.dataset} {', '.join(table.classes)} goes from {told(low)} to"
        f" {told(high)} over {len(means)} numbers of units; ± here is over seeds"
    )


def _in_hull(layout: Layout, hulls: Sequence[HullCell]) -> str:
    parts = []
    for column in layout.columns:
        if mine := _measured(layout, column.configuration, hulls):
            means = HullMeans.of(mine)
            n, d = mine[0].memory_units, mine[0].memory_dim
            parts.append(
                f"{column.title} (n = {n}, d = {d}{', so no code can be inside' if n <= d else ''})"
                f" {100 * means.normal_inside:.0f} % and {100 * means.others_inside:.0f} %,"
                f" {100 * means.auroc:.1f}"
            )
    return (
        f"share of normal test codes and of other test codes in the hull, and AUROC of the"
        f" distance, for digits {', '.join(layout.classes or ())}: {'; '.join(parts)}"
        if parts
        else ""
    )


def _without_projection(layout: Layout, hulls: Sequence[HullCell]) -> str:
    start = layout.columns[0].configuration
    kept = _measured(layout, start, hulls)
    without = _measured(layout, f"{start}+projection_weight=0", hulls)
    if not kept or not without:
        return ""
    spreads = [statistics.fmean(h.extent for h in some) for some in (kept, without)]
    distances = [statistics.fmean(h.test_normal.mean for h in some) for some in (kept, without)]
    return (
        f"{start}, digits {', '.join(layout.classes or ())}: with the projection loss, units are"
        f" {spreads[0]:.1f} from their centroid and codes of normal test images {distances[0]:.2f}"
        f" from the hull; without it, {spreads[1]:.1f} and {distances[1]:.2f}"
    )


def _measured(layout: Layout, configuration: str, hulls: Sequence[HullCell]) -> list[HullCell]:
    column = next((c for c in layout.columns if c.configuration == configuration), None)
    classes = layout.classes or ()
    return [h for k in classes if column for h in hulls_of(layout, column, k, hulls)]
