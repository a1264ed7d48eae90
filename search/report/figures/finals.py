"""The figures of finals: what one seed's cells give to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from memgan.figures import (
    codes_figure,
    extremes_figure,
    histogram_figure,
    image_grid,
    image_rows,
    roc_figure,
    save_figure,
)
from memgan.training import Cell

_CLASSES_SHOWN = 20
_FEW_CLASSES = 4
"""Up to which all extremes of each are shown."""
_UNITS_SHOWN = 20
"""Of each class, where there are several."""


def draw_finals(folder: Path, cells: Sequence[Cell], title: str) -> dict[str, str]:
    """Write the figures of one seed's cells to `folder`; captions by file name.

    What cells do not hold, such as the memory of a detector that has none, is not drawn.
    """
    of = ""
    if len(cells) > _CLASSES_SHOWN:
        of = f"; the first {_CLASSES_SHOWN} of {len(cells)} classes"
        cells = cells[:_CLASSES_SHOWN]
    drawn = _draw_scores(folder, cells, title)
    drawn |= _draw_extremes(folder, cells, title)
    drawn |= _draw_memory(folder, cells, title)
    drawn |= _draw_codes(folder, cells, title)
    return {name: caption + of for name, caption in drawn.items()}


def _draw_scores(folder: Path, cells: Sequence[Cell], title: str) -> dict[str, str]:
    tested = {
        cell.normal_class: (cell.test_scores, cell.test_anomalous)
        for cell in cells
        if cell.test_auroc is not None
    }
    if not tested:
        return {}
    save_figure(roc_figure(tested, f"{title}: ROC on test"), folder / "roc.png")
    save_figure(histogram_figure(tested, f"{title}: scores on test"), folder / "scores.png")
    return {
        "roc.png": "ROC curves on the test images, by normal class",
        "scores.png": "Scores of the test images, as shares of the normals and of the anomalies,"
        " by normal class; the highest 0.5 % are in the last bar",
    }


def _draw_extremes(folder: Path, cells: Sequence[Cell], title: str) -> dict[str, str]:
    extremes = {cell.normal_class: cell.extremes for cell in cells if cell.extremes is not None}
    if not extremes or not _can_be_shown(next(iter(extremes.values())).images.shape[1]):
        return {}
    if len(extremes) > _FEW_CLASSES:
        extremes = {name: of_class.outermost(3) for name, of_class in extremes.items()}
    rebuilds = next(iter(extremes.values())).rebuilt is not None
    caption = (
        "Test images at the ends of the scores"
        + (", each above what the detector makes of it" if rebuilds else "")
        + (", by normal class" if len(extremes) > 1 else "")
        + "; mistakes, if there are any, are in the second and the third group"
    )
    figure = extremes_figure(extremes, f"{title}: lowest and highest scores")
    save_figure(figure, folder / "extremes.png")
    return {"extremes.png": caption}


def _draw_memory(folder: Path, cells: Sequence[Cell], title: str) -> dict[str, str]:
    units = {
        cell.normal_class: cell.decoded_memory for cell in cells if cell.decoded_memory is not None
    }
    if not units or not _can_be_shown(next(iter(units.values())).shape[1]):
        return {}
    if len(units) == 1:
        (of_class,) = units.values()
        caption = f"Decoded memory units G(M), all {len(of_class)}"
        figure = image_grid(of_class, f"{title}: decoded memory units")
    else:
        counts = [len(of_class) for of_class in units.values()]
        least, most = min(counts), max(counts)
        number = str(most) if least == most else f"{least} to {most}"
        caption = f"Decoded memory units G(M), the first {_UNITS_SHOWN} of {number}, a row a class"
        if most <= _UNITS_SHOWN:
            caption = f"Decoded memory units G(M), all {number}, a row a class"
        shown = {name: of_class[:_UNITS_SHOWN] for name, of_class in units.items()}
        figure = image_rows(shown, f"{title}: decoded memory units")
    save_figure(figure, folder / "memory.png")
    return {"memory.png": caption}


def _draw_codes(folder: Path, cells: Sequence[Cell], title: str) -> dict[str, str]:
    planes = {cell.normal_class: cell.code_plane for cell in cells if cell.code_plane is not None}
    if not planes:
        return {}
    save_figure(codes_figure(planes, f"{title}: codes and memory"), folder / "codes.png")
    return {
        "codes.png": "Codes E(x) of test images, memory units and their hull, in the plane of the"
        " two leading principal components; outside of the hull here is outside of it in truth,"
        " inside may be outside still"
    }


def _can_be_shown(channels: int) -> bool:
    return channels in (1, 3)
