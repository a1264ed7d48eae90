"""A split of a few images, for what must be trained, exported and scored with."""

from __future__ import annotations

import numpy as np

from memgan.config import DataConfig
from memgan.data import LabeledImages, Pixels, Source, Split, make_split


def normals_and_negatives(images: Pixels) -> Split:
    """The class `good`, of forty images; the last ten test beside their negatives."""
    names = ("good", "bad")
    train = LabeledImages(images[:30], np.zeros(30, np.int64), names)
    labels = np.array([0] * 10 + [1] * 10)
    test = LabeledImages(np.concatenate([images[30:], 255 - images[30:]]), labels, names)
    return make_split(Source("tiny", train, test), DataConfig())
