"""What each learned configuration of Tables 1 and 2 has over simpler ones and over the paper."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from memgan.paper.cells.tables import Table
from memgan.paper.page.differences import half_width_to_printed
from memgan.paper.page.render import markdown

_LEARNED = ("memgan", "memae", "autoencoder")
"""What the names of configurations begin with that have a row."""
_SIMPLER = (
    *("memae", "autoencoder", "pca", "pca-contrast", "neighbours", "hog-neighbours"),
    "hog-mean-image",
)
_SHORT = 1.0
"""Points below the paper's figure of a class from which on the class is named."""


def beside(table: Table) -> str:
    """Markdown: gaps to simpler detectors in points, a row for each learned configuration, then how
    far each MEMGAN of ours is from the printed one. Empty where nothing was trained."""
    columns = [column.configuration for column in table.layout.columns]
    simpler = [name for name in _SIMPLER if name in columns and table.figures[name]]
    learned = [name for name in columns if name.startswith(_LEARNED) and table.figures[name]]
    parts = []
    if simpler and learned:
        body = [[name, *(_gap(table, name, other) for other in simpler)] for name in learned]
        parts.append(_INTRODUCTION)
        parts.append(markdown(["", *(f"less {other}" for other in simpler)], body))
    if lines := [line for name in learned if (line := _beside_paper(table, name))]:
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


_INTRODUCTION = """\
Points of difference on average over the classes, with the smallest and the largest of a class:"""


def _gap(table: Table, name: str, other: str) -> str:
    own, simple = table.figures[name], table.figures[other]
    both = [k for k in table.classes if k in own and k in simple]
    if other == name or not both:
        return "–"
    gaps = [100 * (own[k].mean - simple[k].mean) for k in both]
    of = f", {len(both)} classes" if len(both) < len(table.classes) else ""
    return f"{statistics.fmean(gaps):+.1f} ({_range(gaps)}{of})"


def _range(gaps: Sequence[float]) -> str:
    return f"{min(gaps):+.1f} to {max(gaps):+.1f}"


def _beside_paper(table: Table, configuration: str) -> str:
    own, printed = table.figures[configuration], table.layout.published.get("MEMGAN", {})
    gaps = {
        k: 100 * (own[k].mean - printed[k].mean) for k in table.classes if k in own and k in printed
    }
    if not configuration.startswith("memgan") or not gaps:
        return ""
    short = sorted((k for k in gaps if gaps[k] < -_SHORT), key=gaps.__getitem__)
    halves = {k: 100 * (half_width_to_printed(own[k], [printed[k]]) or 0.0) for k in short}
    shown = ", ".join(
        f"{k} ({gaps[k]:+.1f}{f' ± {halves[k]:.1f}' if halves[k] else ''})" for k in short
    )
    beyond = [k for k in short if halves[k] and gaps[k] + halves[k] < -_SHORT]
    return (
        f"- {configuration} less the paper's MEMGAN: {statistics.fmean(gaps.values()):+.1f} points"
        f" on average over {len(gaps)} classes; "
        + (f"more than {_SHORT:g} point behind on {shown}" if short else "nowhere a point behind")
        + (f", and by more than the 95 % interval on {', '.join(beyond)}" if beyond else "")
    )
