"""The residual: where an image differs from what the detector makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from memgan.data import Pixels

if TYPE_CHECKING:
    from memgan.detectors import Rebuilt

Residual = npt.NDArray[np.float32]
"""(N, H, W), grey levels from 0 to 255."""
_GREYS = 255.0


def residual(images: Pixels, rebuilt: Rebuilt) -> Residual:
    """|x − rebuilt|, the mean over channels, float32 (N, H, W) in grey levels from 0 to 255."""
    mean: Residual = np.abs(images.astype(np.float32) - rebuilt).mean(axis=1)
    return mean


def normal_residual(normals: Pixels, rebuilt: Rebuilt | None) -> float | None:
    """What 99 % of the pixels of normal images stay below, in grey levels, at least 1; None where
    they are not rebuilt: the mark of a bundle's scale."""
    if rebuilt is None:
        return None
    return float(np.clip(np.quantile(residual(normals, rebuilt), 0.99), 1, _GREYS))
