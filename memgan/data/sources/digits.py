"""scikit-learn's handwritten digits: 1,797 real images of 8×8, shipped with the package."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits as _load

from memgan.config import DataConfig
from memgan.data.images import LabeledImages, Source
from memgan.data.reading.pixels import conform
from memgan.data.reading.room import check_array_room

_BRIGHTEST = 16


def load_digits(config: DataConfig) -> Source:
    """Ten classes, "0" to "9"; no official test part."""
    found = _load()
    images = np.rint(found.images * (255 / _BRIGHTEST)).astype(np.uint8)[:, None]
    check_array_room(images, config.image_size, config.channels, "digits")
    images = conform(images, config.image_size, config.channels, config.resize)
    names = tuple(str(name) for name in found.target_names)
    return Source("digits", LabeledImages(images, found.target.astype(np.int64), names), None)
