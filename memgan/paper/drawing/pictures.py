"""The paper's figures, drawn from kept memories. Without global state, the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memgan.figures import PALETTE
from memgan.paper.cells.memories import KeptMemory

Points = npt.NDArray[np.float64]
_NORMAL, _ANOMALOUS, _UNIT = PALETTE[0], PALETTE[3], PALETTE[6]


def units_figure(memories: Mapping[str, KeptMemory | None], title: str) -> Figure:
    """Fig. 1: a row a normal class, a picture a memory unit; a class without one is told so."""
    figure = Figure(figsize=(11, 0.32 * len(memories) + 0.5), layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(memories), 1))
    for axes, (name, memory) in zip(rows, memories.items(), strict=True):
        axes.set(xticks=[], yticks=[])
        axes.set_frame_on(False)
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        if memory is None:
            axes.text(0.5, 0.5, "missing", ha="center", va="center", transform=axes.transAxes)
            continue
        strip = memory.decoded.transpose(2, 0, 3, 1)  # height, unit, width, channel
        strip = strip.reshape(strip.shape[0], -1, strip.shape[3])
        shown = strip if strip.shape[2] == 3 else strip[:, :, 0]
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="equal")
    figure.suptitle(title, fontsize=10)
    return figure


def square_figure(runs: Mapping[int, tuple[Points, Points]], corners: Points) -> Figure:
    """Fig. 2: for each number of units where they start and where they settle, (units, 2)."""
    figure = Figure(figsize=(4 * len(runs), 4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(runs)))
    for axes, (units, (start, end)) in zip(panels, runs.items(), strict=True):
        axes.fill(*corners.T, facecolor="0.93", edgecolor="0.6")
        for before, after in zip(start, end, strict=True):
            axes.plot(*np.stack([before, after]).T, color="0.75", linewidth=0.8, zorder=1)
        axes.scatter(*start.T, marker="o", facecolors="none", edgecolors=_NORMAL, label="start")
        axes.scatter(*end.T, marker="x", color=_UNIT, label="settled", zorder=3)
        axes.set(title=f"{units} memory units", aspect="equal", xlim=(-2.4, 2.4), ylim=(-2.4, 2.4))
        axes.legend(loc="lower left", fontsize=8)
    return figure


def codes_figure(memories: Mapping[str, KeptMemory], title: str) -> Figure:
    """Figs. 3 and 4: a row a normal class; t-SNE at the left, a linear projection at the right.

    t-SNE keeps neighbours and bends everything else. A linear map takes the hull of the units to
    the hull of their images: what lies outside in the picture lies outside, though not the
    other way round.
    """
    figure = Figure(figsize=(9, 4.2 * len(memories) + 0.4), layout="constrained")
    panels = figure.subplots(len(memories), 2, squeeze=False)
    for row, (name, memory) in zip(panels, memories.items(), strict=True):
        parts = [memory.normal_codes, memory.anomalous_codes, memory.units]
        together = np.concatenate(parts).astype(np.float64)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        _scatter(row[0], np.split(_neighbour_map(together), ends), f"class {name}, t-SNE")
        flat = np.split(_projection(together), ends)
        _scatter(row[1], flat, f"class {name}, linear projection")
        _outline(row[1], flat[2])
        row[0].legend(fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


def _neighbour_map(points: Points) -> Points:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    placed: Points = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(points)
    return placed


def _projection(points: Points) -> Points:
    """On the two leading principal components of all that is shown."""
    from sklearn.decomposition import PCA

    projected: Points = PCA(2, svd_solver="full").fit_transform(points)
    return projected


def _scatter(axes: Axes, parts: Sequence[Points], title: str) -> None:
    normals, anomalies, units = parts
    for points, color, label in (
        (anomalies, _ANOMALOUS, "codes of other classes"),
        (normals, _NORMAL, "codes of the normal class"),
    ):
        axes.scatter(points[:, 0], points[:, 1], s=9, color=color, alpha=0.6, label=label)
    axes.scatter(units[:, 0], units[:, 1], s=40, color=_UNIT, marker="x", label="memory units")
    axes.set(title=title, xticks=[], yticks=[])


def _outline(axes: Axes, units: Points) -> None:
    from scipy.spatial import ConvexHull, QhullError

    try:
        edge = ConvexHull(units).vertices
    except QhullError:  # Two units, or all on one line.
        return
    axes.fill(*units[edge].T, facecolor="none", edgecolor="0.4", linewidth=1)
