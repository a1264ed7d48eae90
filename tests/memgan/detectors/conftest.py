"""Small images that look alike, for detectors of any kind."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.data import Pixels


@pytest.fixture
def normals() -> Pixels:
    """Forty blurred blobs, uint8 (40, 1, 8, 8)."""
    return blobs(40, seed=0)


@pytest.fixture
def anomalies() -> Pixels:
    """Forty images of plain noise, uint8 (40, 1, 8, 8)."""
    return np.random.default_rng(9).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)


def blobs(count: int, seed: int, shape: tuple[int, int, int] = (1, 8, 8)) -> Pixels:
    """Bright blobs near the middle, uint8 (count, C, H, W)."""
    rng = np.random.default_rng(seed)
    channels, height, width = shape
    rows, columns = np.mgrid[0:height, 0:width]
    middle = rng.normal(0, 0.6, (count, channels, 2, 1, 1))
    squared = (rows - height / 2 - middle[:, :, 0]) ** 2 + (
        columns - width / 2 - middle[:, :, 1]
    ) ** 2
    return (255 * np.exp(-squared / (height * width / 8))).astype(np.uint8)
