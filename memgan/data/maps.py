"""Scores by pixel: higher where an image looks less like the normal class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Maps = npt.NDArray[np.float32]
"""(N, H, W), or (H, W) for one."""


def enlarged(one: Maps, size: tuple[int, int]) -> Maps:
    """A map, float32 (H, W), at another height and width, by bilinear interpolation: what undoes
    the resizing of its image."""
    if one.shape == size:
        return one
    resized = Image.fromarray(one).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32)
