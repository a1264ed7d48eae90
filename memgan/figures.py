"""Figures of a final: ROC curves by class, decoded memory units. Drawn without global state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from memgan.data.images import Flags, Pixels
from memgan.detectors.base import Scores

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#8C6D31")
"""Okabe and Ito's colours, told apart by colour-blind readers; no yellow, lost on white."""
_STYLES = ("-", "--", ":", "-.")


def roc_figure(results: Mapping[str, tuple[Scores, Flags]], title: str) -> Figure:
    """ROC curves, one a normal class: (scores, anomalous) by class name."""
    figure = Figure(figsize=(7.4, 5.0), layout="constrained")
    axes = figure.subplots()
    for number, (name, (scores, anomalous)) in enumerate(results.items()):
        false_positive, true_positive, _ = roc_curve(anomalous, scores)
        area = np.trapezoid(true_positive, false_positive)
        axes.plot(
            false_positive,
            true_positive,
            color=PALETTE[number % len(PALETTE)],
            linestyle=_STYLES[number // len(PALETTE) % len(_STYLES)],
            label=f"{name}  {100 * area:.1f}",
        )
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlabel="false-positive rate", ylabel="true-positive rate", title=title, aspect="equal")
    axes.legend(title="normal class, AUROC %", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def image_grid(images: Pixels, title: str, columns: int = 10) -> Figure:
    """Images uint8 (N, C, H, W), C 1 or 3, as one grid, row by row."""
    rows = math.ceil(len(images) / columns)
    sheet = _sheet(images, rows, columns)
    figure = Figure(figsize=(0.6 * columns, 0.6 * rows + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.axis("off")
    return figure


def _sheet(images: Pixels, rows: int, columns: int) -> Pixels:
    """The grid as one picture, (rows·(H+1), columns·(W+1)) or with a last axis of 3."""
    count, channels, height, width = images.shape
    shown = 3 if channels == 3 else 1
    sheet = np.full((rows * (height + 1), columns * (width + 1), shown), 255, dtype=np.uint8)
    for number in range(count):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        sheet[top : top + height, left : left + width] = images[number, :shown].transpose(1, 2, 0)
    return sheet if shown == 3 else sheet[:, :, 0]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG of light weight."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
