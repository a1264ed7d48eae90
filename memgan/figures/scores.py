"""Scores of the test images: ROC curves by class, histograms of normals and anomalies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from memgan.data import Flags, Scores
from memgan.figures.style import ANOMALY, NORMAL, PALETTE, panels, plain_axes, short

_STYLES = ("-", "--", ":", "-.")
_BINS = 30
_GOOD = 0.9
"""Mean AUROC from which on curves crowd in the corner."""


def roc_figure(results: Mapping[str, tuple[Scores, Flags]], title: str) -> Figure:
    """ROC curves, one a normal class: (scores, anomalous) by class name."""
    figure = Figure(figsize=(8.2, 5.0), layout="constrained")
    axes = figure.subplots()
    areas = []
    # Good detectors differ only in the upper left corner; there is room to show it larger.
    corner = axes.inset_axes((0.36, 0.12, 0.6, 0.6), xlim=(0, 20), ylim=(80, 100.5))
    for number, (name, (scores, anomalous)) in enumerate(results.items()):
        false_positive, true_positive, _ = roc_curve(anomalous, scores)
        areas.append(float(np.trapezoid(true_positive, false_positive)))
        for shown_in in (axes, corner):
            shown_in.plot(
                100 * false_positive,
                100 * true_positive,
                color=PALETTE[number % len(PALETTE)],
                linestyle=_STYLES[number // len(PALETTE) % len(_STYLES)],
                label=f"{short(name)}  {100 * areas[-1]:.1f}",
            )
    if np.mean(areas) > _GOOD:
        corner.tick_params(labelsize=7)
        corner.set_title("the same, upper left corner", fontsize=8)
    else:
        corner.remove()
        axes.plot([0, 100], [0, 100], color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlabel="normals flagged, %", ylabel="anomalies flagged, %", aspect="equal")
    figure.suptitle(title, fontsize=10)
    plain_axes(axes)
    figure.legend(
        *axes.get_legend_handles_labels(),
        title="normal class, AUROC %",
        loc="outside right center",
        frameon=False,
        fontsize=9,
    )
    return figure


def histogram_figure(results: Mapping[str, tuple[Scores, Flags]], title: str) -> Figure:
    """Scores of normals and of anomalies, a panel a normal class: (scores, anomalous) by name.

    Bars are shares of each kind, so that the rarer kind is seen as well as the other.
    """
    figure, grid = panels(len(results), title, columns=5, size=1.9)
    for axes, (name, (scores, anomalous)) in zip(grid, results.items(), strict=True):
        edges = np.histogram_bin_edges(scores, bins=_BINS, range=_shown(scores))
        clipped = np.clip(scores, edges[0], edges[-1])
        for flag, color, label in ((False, NORMAL, "normal"), (True, ANOMALY, "anomaly")):
            of_kind = clipped[anomalous == flag]
            if len(of_kind):
                shares = np.histogram(of_kind, edges)[0] / len(of_kind)
                axes.stairs(shares, edges, fill=True, color=color, alpha=0.45, label=label)
                axes.stairs(shares, edges, color=color, linewidth=1)
        axes.set_title(short(name), fontsize=9)
        axes.set_yticks([])
        plain_axes(axes)
        axes.spines["left"].set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        title="score, higher is more anomalous",
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=9,
        title_fontsize=9,
    )
    return figure


def _shown(scores: Scores) -> tuple[float, float]:
    """Nearly all scores; the few beyond are counted in the last bar."""
    low, high = float(scores.min()), float(np.quantile(scores, 0.995))
    return (low, high) if high > low else (low - 0.5, low + 0.5)
