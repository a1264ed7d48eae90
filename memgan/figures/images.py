"""Pictures of images: memory units as rows or as a grid, originals above reconstructions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from memgan.analysis import ENDS, Extremes
from memgan.data import Pixels
from memgan.figures.style import shortened

_INCHES = 0.42
"""An image's width in a picture of several rows."""
_NARROWEST = 6.0
"""Inches, so that the title has room."""


def image_grid(images: Pixels, title: str, columns: int = 10) -> Figure:
    """Images uint8 (N, C, H, W), C 1 or 3, as one grid, row by row."""
    sheet = _Sheet(images, rows=math.ceil(len(images) / columns), columns=columns)
    for number, image in enumerate(images):
        sheet.place(image, number // columns, number % columns)
    return sheet.figure(title, inches=0.6)


def image_rows(rows: Mapping[str, Pixels], title: str) -> Figure:
    """A row of images uint8 (n, C, H, W), C 1 or 3, for each name, the name beside it."""
    columns = max(len(of_row) for of_row in rows.values())
    sheet = _Sheet(next(iter(rows.values())), rows=len(rows), columns=columns)
    for row, of_row in enumerate(rows.values()):
        for column, image in enumerate(of_row):
            sheet.place(image, row, column)
    figure = sheet.figure(title)
    sheet.name_rows(figure, list(rows))
    return figure


def extremes_figure(extremes: Mapping[str, Extremes], title: str) -> Figure:
    """Originals above what the detector makes of them, by normal class, four ends side by side."""
    first = next(iter(extremes.values()))
    block = 1 if first.rebuilt is None else 2
    per_end = max(int(np.bincount(of_class.ends).max()) for of_class in extremes.values())
    sheet = _Sheet(
        first.images,
        rows=block * len(extremes),
        columns=per_end * len(ENDS),
        rows_together=block,
        columns_together=per_end,
    )
    for number, of_class in enumerate(extremes.values()):
        for end in range(len(ENDS)):
            for place, position in enumerate(np.flatnonzero(of_class.ends == end)):
                column = end * per_end + place
                sheet.place(of_class.images[position], block * number, column)
                if of_class.rebuilt is not None:
                    sheet.place(of_class.rebuilt[position], block * number + 1, column)
    figure = sheet.figure(title)
    sheet.name_rows(figure, list(extremes))
    sheet.name_columns(figure, [end.replace(", ", "\n") for end in ENDS])
    return figure


class _Sheet:
    """Images of one size on white, a pixel apart; rows or columns that belong together are set
    apart from the next ones."""

    def __init__(
        self,
        like: Pixels,
        *,
        rows: int,
        columns: int,
        rows_together: int = 1,
        columns_together: int | None = None,
    ) -> None:
        channels, self.height, self.width = like.shape[1:]
        self.rows, self.columns = rows, columns
        self.rows_together, self.columns_together = rows_together, columns_together or columns
        size = (*self._corner(rows, columns), 3 if channels == 3 else 1)
        self.pixels = np.full(size, 255, dtype=np.uint8)

    def _corner(self, row: int, column: int) -> tuple[int, int]:
        gap = max(2, min(self.height, self.width) // 4)
        # A single row stands as far from the next as columns of images do.
        between = gap if self.rows_together > 1 else 0
        top = row * (self.height + 1) + row // self.rows_together * between
        left = column * (self.width + 1) + column // self.columns_together * gap
        return top, left

    def place(self, image: Pixels, row: int, column: int) -> None:
        """Lay one image, uint8 (C, H, W), where it belongs."""
        top, left = self._corner(row, column)
        shown = image[: self.pixels.shape[2]].transpose(1, 2, 0)
        self.pixels[top : top + self.height, left : left + self.width] = shown

    def figure(self, title: str, inches: float = _INCHES) -> Figure:
        """The sheet as a figure, its images so many inches wide."""
        height, width, channels = self.pixels.shape
        scale = inches / self.width
        figure = Figure(
            figsize=(max(scale * width + 0.8, _NARROWEST), scale * height + 0.7),
            layout="constrained",
        )
        axes = figure.subplots()
        axes.imshow(
            self.pixels if channels == 3 else self.pixels[:, :, 0],
            cmap="gray",
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        figure.suptitle(title, fontsize=10)
        axes.set(xticks=[], yticks=[])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return figure

    def name_rows(self, figure: Figure, names: Sequence[str]) -> None:
        """A name beside each group of rows."""
        tall = self.rows_together * (self.height + 1)
        places = [self._corner(n * self.rows_together, 0)[0] + tall / 2 for n in range(len(names))]
        figure.axes[0].set_yticks(places, shortened(names, 16), fontsize=9)

    def name_columns(self, figure: Figure, names: Sequence[str]) -> None:
        """A name above each group of columns."""
        wide = self.columns_together * (self.width + 1)
        places = [
            self._corner(0, n * self.columns_together)[1] + wide / 2 for n in range(len(names))
        ]
        axes = figure.axes[0]
        axes.set_xticks(places, names, fontsize=8)
        axes.tick_params(top=False, labeltop=True, bottom=False, labelbottom=False)
