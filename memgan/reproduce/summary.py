"""The page's first figures: means side by side, and the paper's claims beside what was found."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from memgan.reproduce.differences import difference
from memgan.reproduce.hull import HullCell
from memgan.reproduce.hull_table import hulls_of
from memgan.reproduce.layout import Layout
from memgan.reproduce.render import markdown, shown
from memgan.reproduce.tables import Table

_ANCHORS = ("pca", "pca-contrast", "neighbours", "ocsvm", "kde", "iforest", "autoencoder")
"""What MEMGAN has to beat, were it worth its price."""
_NONE_FOUND = "nothing was trained yet"


def summary(tables: Mapping[str, Table], hull_layout: Layout, hulls: Sequence[HullCell]) -> str:
    """Markdown of the section, from tables by name; a claim without figures says so."""
    claims = {
        "MEMGAN finds anomalies better than other methods": _beside_anchors(tables),
        "The memory and every loss have a part in it": _parts(tables["ablations"]),
        "The number of memory units hardly matters": _units(tables["table3"]),
        "Codes of normal images lie in the hull of the memory units, others outside": _in_hull(
            hull_layout, hulls
        ),
    }
    found = [[claim, text or _NONE_FOUND] for claim, text in claims.items()]
    return "\n\n".join(
        [
            "## In short",
            "Means over the ten classes:",
            _means([tables["table1"], tables["table2"]]),
            "What the paper claims, and what was found here:",
            markdown(["claim", "found"], found).replace("---:", "---"),
        ]
    )


def _means(tables: Sequence[Table]) -> str:
    names = dict.fromkeys(c.configuration for table in tables for c in table.layout.columns)
    body = [[name, *(_mean(table, name) for table in tables)] for name in names]
    printed = [
        statistics.fmean(figure.mean for figure in table.layout.published["MEMGAN"].values())
        for table in tables
    ]
    body.append(["the paper's MEMGAN, recomputed", *(f"{100 * mean:.1f}" for mean in printed)])
    return markdown(["", *(table.layout.dataset for table in tables)], body)


def _mean(table: Table, configuration: str) -> str:
    for column in table.layout.columns:
        if column.configuration == configuration:
            return shown(table.means.get(configuration), len(column.seeds))
    return "–"


def _beside_anchors(tables: Mapping[str, Table]) -> str:
    """How far `memgan` is ahead of the best of the simple detectors, by data set."""
    parts = []
    for table in (tables["table1"], tables["table2"]):
        own = table.means.get("memgan")
        simple = {name: table.means[name].mean for name in _ANCHORS if name in table.means}
        if own is None or not simple:
            continue
        best = max(simple, key=simple.__getitem__)
        gap = 100 * (own.mean - simple[best])
        parts.append(
            f"{table.layout.dataset}: {_ahead(gap)} {best}, the best simple one of {len(simple)}"
        )
    return "; ".join(parts)


def _ahead(gap: float) -> str:
    return f"{abs(gap):.1f} points {'ahead of' if gap >= 0 else 'behind'}"


def _parts(table: Table) -> str:
    start, *variations = table.layout.columns
    helping: list[str] = []
    others: list[str] = []
    for column in variations:
        gap = difference(table, column.configuration, start.configuration)
        if gap is None or gap.half_width is None:
            continue
        text = f"{column.title.removeprefix('without ')} {-100 * gap.mean:+.1f}"
        (helping if gap.mean + gap.half_width < 0 else others).append(text)
    parts = []
    if helping:
        parts.append(f"worth something beyond the 95 % interval: {', '.join(helping)} points")
    if others:
        parts.append(f"not, or worth less than nothing: {', '.join(others)}")
    return f"of {start.configuration}, {'; '.join(parts)}" if parts else ""


def _units(table: Table) -> str:
    means = {
        column.title: table.means[column.configuration].mean
        for column in table.layout.columns
        if column.configuration in table.means
    }
    if len(means) < 2:
        return ""
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return (
        f"from {100 * means[low]:.1f} ({low}) to {100 * means[high]:.1f} ({high}) over"
        f" {len(means)} numbers"
    )


def _in_hull(layout: Layout, hulls: Sequence[HullCell]) -> str:
    """Of `memgan`, whose codes have fewer dimensions than there are units."""
    for column in layout.columns:
        if column.configuration != "memgan":
            continue
        mine = [h for k in layout.classes or () for h in hulls_of(layout, column, k, hulls)]
        if mine:
            normal = statistics.fmean(h.test_normal.inside for h in mine)
            others = statistics.fmean(h.test_anomalous.inside for h in mine)
            further = statistics.fmean(h.auroc for h in mine)
            return (
                f"of memgan, {100 * normal:.0f} % of the normal test codes lie in it, and"
                f" {100 * others:.0f} % of the others; the distance tells them apart with an"
                f" AUROC of {100 * further:.1f}, where 50 is chance"
            )
    return ""
