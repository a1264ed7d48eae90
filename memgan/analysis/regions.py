"""The region of a map that stands out most."""

from __future__ import annotations

import numpy as np

from memgan.data import Maps

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first that lie outside."""


def strongest_region(one: Maps, threshold: float) -> Box | None:
    """The box around the connected pixels above the threshold that the highest value is among;
    pixels that touch at a corner are connected. one: (H, W). None where none is above it."""
    from scipy.ndimage import find_objects, label

    above = one > threshold
    if not above.any():
        return None
    numbered, _ = label(above, structure=np.ones((3, 3)))
    number = int(numbered.ravel()[int(one.argmax())])
    rows, columns = find_objects(numbered, max_label=number)[number - 1]
    return int(columns.start), int(rows.start), int(columns.stop), int(rows.stop)
