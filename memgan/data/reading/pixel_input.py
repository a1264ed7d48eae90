"""Arrays that a program gives to be scored: pixels as a detector takes them, or a clear refusal."""

from __future__ import annotations

from typing import Any

import numpy as np

from memgan.data.images import Pixels
from memgan.errors import BundleError


def check_pixels(images: Any, shape: tuple[int, int, int]) -> Pixels:
    """`images` if they are an array uint8 (N, *shape); else BundleError with what is wanted.

    Nothing is converted: fractions from 0 to 1 taken as whole numbers would all be black.
    """
    wanted = f"uint8 (N, {', '.join(map(str, shape))}), values from 0 to 255"
    if not isinstance(images, np.ndarray):
        raise BundleError(
            f"images are a {type(images).__name__}, this bundle scores an array of {wanted}"
        )
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise BundleError(
            f"images are {images.dtype} {images.shape}, this bundle scores {wanted}{_hint(images)}"
        )
    return images


def _hint(images: np.ndarray[Any, Any]) -> str:
    if images.dtype.kind != "f" or not images.size:
        return ""
    if images.min() >= 0 and images.max() <= 1:
        return "; are they fractions from 0 to 1? Then give (255 * images).round().astype('uint8')"
    return "; round them, and cast to uint8"
