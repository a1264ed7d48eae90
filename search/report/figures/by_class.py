"""Test AUROC by class, beside the anchors and what was published for the data set."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memgan.figures import NORMAL, PALETTE, QUIET, plain_axes, short
from memgan.training import Figures
from search.finals import ANCHOR_TITLES
from search.report.report import Report

_ANCHOR_MARKS = {"pca": "s", "neighbours": "^"}
_LIFT = 0.17


def by_class_figure(
    report: Report, published: Mapping[str, Mapping[str, float]], title: str
) -> Figure | None:
    """A row a class and one for the mean; None where nothing was tested.

    published: AUROC, 0 to 1, by method and class; the method of the detector's own name stands
    out, the others are points in the background.
    """
    tested = [name for name, row in report.classes.items() if row.test_auroc_mean is not None]
    if not tested:
        return None
    names = [*tested, "mean"]
    figure = Figure(figsize=(7.4, 0.34 * len(names) + 1.5), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    _draw_published(axes, published, names, own=report.detector.upper())
    _draw_anchors(axes, report, names)
    _draw_results(axes, report, names)
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axhline(len(names) - 1.5, color="0.6", linewidth=0.8)
    axes.grid(axis="both", color="0.92", zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("test AUROC, %", fontsize=9)
    plain_axes(axes)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw_published(
    axes: Axes, published: Mapping[str, Mapping[str, float]], names: Sequence[str], *, own: str
) -> None:
    others = 0
    for method, of_class in published.items():
        figures = with_mean(of_class, list(names[:-1]))
        places = [n for n, name in enumerate(names) if name in figures]
        values = [100 * figures[names[n]] for n in places]
        heights = [n + _LIFT for n in places]
        if method == own:
            label = f"{method}, as published"
            axes.scatter(values, heights, s=30, marker="D", color="black", label=label, zorder=3)
        else:
            known = None if others else "other methods, as published"
            axes.scatter(values, heights, s=12, color=QUIET, zorder=1, label=known)
            others += 1


def _draw_anchors(axes: Axes, report: Report, names: Sequence[str]) -> None:
    for name, anchor in report.anchors.items():
        axes.scatter(
            [_percent(row.test_auroc_mean) for row in _rows(anchor.classes, anchor.mean, names)],
            range(len(names)),
            s=26,
            marker=_ANCHOR_MARKS.get(name, "v"),
            facecolor="white",
            edgecolor=PALETTE[3],
            linewidth=1.1,
            label=ANCHOR_TITLES.get(name, name),
            zorder=2,
        )


def _draw_results(axes: Axes, report: Report, names: Sequence[str]) -> None:
    results = _rows(report.classes, report.mean, names)
    axes.errorbar(
        [_percent(row.test_auroc_mean) for row in results],
        [n - _LIFT for n in range(len(names))],
        xerr=[100 * (row.test_auroc_sd or 0.0) for row in results],
        fmt="o",
        color=NORMAL,
        markersize=6,
        capsize=3,
        linewidth=1.4,
        zorder=4,
        label=f"{report.detector}, this study",
    )


def _rows(classes: Mapping[str, Figures], mean: Figures, names: Sequence[str]) -> list[Figures]:
    """The figures of the named classes, the last of which is the mean."""
    return [*(classes[name] for name in names[:-1]), mean]


def _percent(value: float | None) -> float:
    """What matplotlib leaves out where there is no figure."""
    return math.nan if value is None else 100 * value


def with_mean(of_class: Mapping[str, float], classes: list[str]) -> dict[str, float]:
    """Figures of these classes and, under "mean", their mean where all of them have one."""
    known = {name: of_class[name] for name in classes if name in of_class}
    if len(known) == len(classes):
        known["mean"] = statistics.fmean(known.values())
    return known
