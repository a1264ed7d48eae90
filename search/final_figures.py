"""The figures of finals: ROC by class and decoded memory units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memgan.cells import Cell
from memgan.figures import image_grid, roc_figure, save_figure

_UNITS_SHOWN = 20


def draw_finals(folder: Path, cells: Sequence[Cell], title: str) -> dict[str, str]:
    """Write the figures of one seed's cells to `folder`; captions by file name."""
    drawn = {}
    tested = {
        cell.normal_class: (cell.test_scores, cell.test_anomalous)
        for cell in cells
        if cell.test_auroc is not None
    }
    if tested:
        save_figure(roc_figure(tested, f"{title}: ROC on test"), folder / "roc.png")
        drawn["roc.png"] = "ROC curves on the test images, by normal class"
    units = [cell.decoded_memory for cell in cells if cell.decoded_memory is not None]
    if units and units[0].shape[1] in (1, 3):
        shown = min(_UNITS_SHOWN, len(units[0])) if len(units) > 1 else len(units[0])
        columns = shown if len(units) > 1 else 10
        grid = np.concatenate([of_class[:shown] for of_class in units])
        of = f"the first {shown} of " if shown < len(units[0]) else ""
        rows = ", a row a class" if len(units) > 1 else ""
        caption = f"decoded memory units G(M), {of}{len(units[0])}{rows}"
        save_figure(image_grid(grid, f"{title}: {caption}", columns), folder / "memory.png")
        drawn["memory.png"] = caption[0].upper() + caption[1:]
    return drawn
