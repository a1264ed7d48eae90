"""Scores by pixel: higher where an image looks less like the normal class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from memgan.config import ResizePolicy
from memgan.data.framing import Size, frames, unframing

Maps = npt.NDArray[np.float32]
"""(N, H, W), or (H, W) for one."""


def enlarged(one: Maps, size: Size, how: ResizePolicy = "fit") -> Maps:
    """A map, float32 (H, W), at the height and width of its image, by antialiased bilinear
    interpolation: what undoes the resizing of the image. 0 where the image was cropped."""
    if how == "fit":
        if one.shape == size:
            return one
        resized = Image.fromarray(one).resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(resized, dtype=np.float32)
    height, width = one.shape
    rows, columns = frames(size, (height, width), how)
    found = unframing(rows, height, size[0]) @ one @ unframing(columns, width, size[1]).T
    return np.asarray(found, dtype=np.float32)
