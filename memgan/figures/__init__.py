"""Figures, drawn without global state: no pyplot, no window system."""

from memgan.figures.codes import codes_figure
from memgan.figures.images import extremes_figure, image_grid, image_rows
from memgan.figures.scores import histogram_figure, roc_figure
from memgan.figures.style import PALETTE, save_figure

__all__ = [
    "PALETTE",
    "codes_figure",
    "extremes_figure",
    "histogram_figure",
    "image_grid",
    "image_rows",
    "roc_figure",
    "save_figure",
]
