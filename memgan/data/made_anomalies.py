"""Anomalies made from normal images, for who has no labelled ones: the label-free objective.

A detector that tells them from the held-out normals they are made of has learned something of the
normal class; how well that stands for real anomalies is for docs/results.md to say. Pure functions
of the images and a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from memgan.data.images import Pixels, Split

_TRIES = 4
"""Draws for each made image; the one that differs most from its original is kept, as a patch of
plain background exchanged for another makes no anomaly."""

Change = Callable[[Pixels, Pixels, np.random.Generator], Pixels]
"""(image, another normal image, generator) to a changed image, uint8 (C, H, W) each."""


def with_made_anomalies(split: Split, classes: Sequence[str], seed: int) -> Split:
    """The split with anomalies made for each of `classes` from its own held-out normals alone.

    They take the place of labelled ones wherever a training is validated; train, validation and
    test images stay as they are. The same images and seed give the same anomalies.
    """
    development = split.development
    made = {
        name: make_anomalies(
            development.validation.of_class(name),
            np.random.default_rng(np.random.SeedSequence([seed, split.class_names.index(name)])),
        )
        for name in classes
    }
    return replace(split, development=replace(development, made_anomalies=made))


def make_anomalies(normals: Pixels, generator: np.random.Generator) -> Pixels:
    """One image of each kind from every normal one, uint8 (2·N, C, H, W), N at least 1."""
    made = []
    for change in CHANGES:
        others = normals[generator.permutation(len(normals))]
        for image, other in zip(normals, others, strict=True):
            # An image that was drawn for itself, or the only one there is, meets its mirror.
            partner = other[:, ::-1, ::-1] if np.array_equal(other, image) else other
            drawn = [change(image, partner, generator) for _ in range(_TRIES)]
            made.append(max(drawn, key=lambda changed: _difference(changed, image)))
    return np.stack(made)


def exchange_patch(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """A rectangle of a quarter to half of each side, taken from another place of another image."""
    _, height, width = image.shape
    tall, wide = (max(2, int(generator.uniform(0.25, 0.5) * side)) for side in (height, width))
    top, left = generator.integers(height - tall + 1), generator.integers(width - wide + 1)
    from_top = generator.integers(height - tall + 1)
    from_left = generator.integers(width - wide + 1)
    changed = image.copy()
    changed[:, top : top + tall, left : left + wide] = other[
        :, from_top : from_top + tall, from_left : from_left + wide
    ]
    return changed


def rotate(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """A quarter turn either way, or a half; images that are not square are turned by a half."""
    square = image.shape[1] == image.shape[2]
    turned: Pixels = np.rot90(image, int(generator.integers(1, 4)) if square else 2, axes=(1, 2))
    return turned


# Blended images and noise were tried and left out, as they misrank settings (docs/science.md):
# what rebuilds more of any image tells noise best, and a blend is smoother than what it is made of.
CHANGES: tuple[Change, ...] = (exchange_patch, rotate)


def _difference(changed: Pixels, image: Pixels) -> float:
    return float(np.abs(changed.astype(np.int16) - image).mean())
