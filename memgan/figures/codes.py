"""Codes of test images and the memory units' hull, in one plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from memgan.analysis import CodePlane
from memgan.detectors import Codes
from memgan.figures.style import ANOMALY, NORMAL, panels, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def codes_figure(planes: Mapping[str, CodePlane], title: str) -> Figure:
    """A panel a normal class, each with the share of the variance that its plane shows."""
    figure, grid = panels(len(planes), title, columns=5, size=2.3)
    for axes, (name, plane) in zip(grid, planes.items(), strict=True):
        _draw(axes, plane)
        axes.set_title(
            f"{short(name)}\nvariance shown: codes {100 * plane.codes_share:.0f} %,"
            f" units {100 * plane.units_share:.0f} %",
            fontsize=8,
        )
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _draw(axes: Axes, plane: CodePlane) -> None:
    hull = hull_of(plane.units)
    axes.fill(*hull.T, color="0.9", zorder=0)
    edge = np.concatenate([hull, hull[:1]])
    axes.plot(*edge.T, color="0.45", linewidth=1, label="hull of the units")
    for flag, color, marker, label in (
        (True, ANOMALY, "x", "anomaly"),
        (False, NORMAL, "o", "normal"),
    ):
        points = plane.codes[plane.anomalous == flag]
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=7,
            color=color,
            marker=marker,
            linewidth=0.7,
            alpha=0.6,
            label=label,
        )
    axes.scatter(
        plane.units[:, 0],
        plane.units[:, 1],
        s=14,
        color="black",
        marker="+",
        linewidth=0.9,
        label="memory unit",
    )
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.spines[:].set_visible(False)


def hull_of(points: Codes) -> Codes:
    """The corners of the convex hull of points (n, 2), in order around it."""
    from scipy.spatial import ConvexHull

    if len(points) < 3:
        return points
    # Joggled, so that points on a line have a hull as well.
    corners: Codes = points[ConvexHull(points, qhull_options="QJ").vertices]
    return corners
