"""The residual: where an image differs from what the detector makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from memgan.config import DetectorParameters, ResidualParameters
from memgan.data import Maps, Pixels

if TYPE_CHECKING:
    from memgan.detectors import Detector, Rebuilt

Residual = npt.NDArray[np.float32]
"""(N, H, W), grey levels from 0 to 255."""
_GREYS = 255.0


def residual(images: Pixels, rebuilt: Rebuilt, window: int = 1) -> Residual:
    """|x − rebuilt|, the mean over channels, float32 (N, H, W) in grey levels from 0 to 255.

    window: pixels a side of the square around each pixel over which the root of the mean square is
    taken instead; the image goes on beyond its border as in a mirror.
    """
    gaps = images.astype(np.float32) - rebuilt
    if window == 1:
        mean: Residual = np.abs(gaps).mean(axis=1)
        return mean
    from scipy.ndimage import uniform_filter

    squares = uniform_filter((gaps**2).mean(axis=1), (0, window, window), mode="reflect")
    smoothed: Residual = np.sqrt(np.maximum(squares, 0))  # Running sums may end below 0.
    return smoothed


def window_of(parameters: DetectorParameters) -> int:
    """The window that a detector's residual is shown with: that of its score, where it has one."""
    if isinstance(parameters, ResidualParameters) and parameters.score == "smoothed-max":
        return parameters.score_window
    return 1


def pixel_scores(detector: Detector, parameters: DetectorParameters, images: Pixels) -> Maps | None:
    """Where images look less like the normal class, float32 (N, H, W): the detector's own scores by
    pixel, else its residual; None where it has neither."""
    found = detector.maps(images)
    if found is None and (rebuilt := detector.rebuild(images)) is not None:
        found = residual(images, rebuilt, window_of(parameters))
    return found


def normal_residual(normals: Pixels, rebuilt: Rebuilt | None, window: int = 1) -> float | None:
    """What 99 % of the pixels of normal images stay below, in grey levels, at least 1; None where
    they are not rebuilt: the mark of a bundle's scale."""
    if rebuilt is None:
        return None
    return float(np.clip(np.quantile(residual(normals, rebuilt, window), 0.99), 1, _GREYS))
