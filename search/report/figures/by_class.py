"""Test AUROC by class, beside the anchors and what was published for the data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from memgan.figures import NORMAL, PALETTE, QUIET, plain_axes, short
from search.finals import ANCHOR_TITLES

_ANCHOR_MARKS = {"pca": "s", "neighbours": "^"}
_LIFT = 0.17


# Long, as it draws four kinds of marks into one picture, each with a look of its own.
def by_class_figure(
    report: Mapping[str, Any], published: Mapping[str, Mapping[str, float]], title: str
) -> Figure | None:
    """A row a class and one for the mean; None where nothing was tested.

    report: as report.json. published: AUROC, 0 to 1, by method and class; the method of the
    detector's own name stands out, the others are points in the background.
    """
    rows = {
        name: row for name, row in report["classes"].items() if row["test_auroc_mean"] is not None
    }
    if not rows:
        return None
    names = [*rows, "mean"]
    figure = Figure(figsize=(7.4, 0.34 * len(names) + 1.5), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    own = report["detector"].upper()
    others = 0
    for method, of_class in published.items():
        figures = with_mean(of_class, list(rows))
        places = [n for n, name in enumerate(names) if name in figures]
        values = [100 * figures[names[n]] for n in places]
        if method == own:
            axes.scatter(
                values,
                [n + _LIFT for n in places],
                s=30,
                marker="D",
                color="black",
                label=f"{method}, as published",
                zorder=3,
            )
        else:
            axes.scatter(
                values,
                [n + _LIFT for n in places],
                s=12,
                color=QUIET,
                zorder=1,
                label=None if others else "other methods, as published",
            )
            others += 1
    for anchor, content in report["anchors"].items():
        values = [content["classes"][name]["test_auroc_mean"] for name in rows]
        values = [100 * v for v in [*values, content["mean"]["test_auroc_mean"]]]
        axes.scatter(
            values,
            range(len(names)),
            s=26,
            marker=_ANCHOR_MARKS.get(anchor, "v"),
            facecolor="white",
            edgecolor=PALETTE[3],
            linewidth=1.1,
            label=ANCHOR_TITLES.get(anchor, anchor),
            zorder=2,
        )
    results = [*rows.values(), report["mean"]]
    axes.errorbar(
        [100 * row["test_auroc_mean"] for row in results],
        [n - _LIFT for n in range(len(names))],
        xerr=[100 * (row["test_auroc_sd"] or 0.0) for row in results],
        fmt="o",
        color=NORMAL,
        markersize=6,
        capsize=3,
        linewidth=1.4,
        zorder=4,
        label=f"{report['detector']}, this study",
    )
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axhline(len(names) - 1.5, color="0.6", linewidth=0.8)
    axes.grid(axis="both", color="0.92", zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("test AUROC, %", fontsize=9)
    plain_axes(axes)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def with_mean(of_class: Mapping[str, float], classes: list[str]) -> dict[str, float]:
    """Figures of these classes and, under "mean", their mean where all of them have one."""
    known = {name: of_class[name] for name in classes if name in of_class}
    if len(known) == len(classes):
        known["mean"] = sum(known.values()) / len(known)
    return known
