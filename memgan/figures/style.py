"""What all figures have in common: colours, a grid of panels, short labels, light files."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from memgan.files import MAKER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#8C6D31")
"""Okabe and Ito's colours, which colour-blind readers can distinguish; no yellow, lost on white."""
NORMAL, ANOMALY, QUIET = PALETTE[0], PALETTE[3], "0.72"
"""Blue and vermilion for the two kinds of image, light grey for what stands in the background."""

_NARROWEST = 5.5
"""Inches, so that a title has room."""
_DPI = 110
_HEAVY = 120_000
"""Bytes of a PNG above which its colours are reduced."""


def panels(count: int, title: str, *, columns: int, size: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` square panels of `size` inches, row by row, no more columns than needed;
    a single one is larger."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    side = 2 * size if count == 1 else size
    width = max(side * columns + 0.6, _NARROWEST)
    figure = Figure(figsize=(width, side * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for unused in grid[count:]:
        unused.axis("off")
    figure.suptitle(title, fontsize=10)
    return figure, grid[:count]


def plain_axes(axes: Axes) -> None:
    """No frame but the two axes, small numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def short(text: str, most: int = 22) -> str:
    """`text` with its middle left out where it is longer than `most` characters, and safe from
    matplotlib, which takes what stands between dollar signs for a formula."""
    if len(text) > most:
        head = (most - 1) // 2
        text = f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"
    return text.replace("$", r"\$")


def shortened(texts: Sequence[str], most: int = 22) -> list[str]:
    """`short` of each."""
    return [short(text, most) for text in texts]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG of light weight, about 150 kB at most; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        # Names in scripts that matplotlib's own font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(drawn, format="png", dpi=_DPI, metadata={"Software": MAKER})
    if drawn.tell() > _HEAVY:
        picture = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
        drawn = io.BytesIO()
        info = PngImagePlugin.PngInfo()
        info.add_text("Software", MAKER)
        picture.save(drawn, format="png", optimize=True, pnginfo=info)
    path.write_bytes(drawn.getvalue())
