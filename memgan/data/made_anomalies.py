"""Anomalies made from normal images, for who has no labelled ones: the label-free objective.

A detector that tells them from the held-out normals they are made of has learned something of the
normal class; how well that stands for real anomalies is for docs/results.md to say. Pure functions
of the images and a generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memgan.data.images import Pixels, Split
from memgan.data.made_kinds import LOCAL, ROTATION, Change, telling_turns, turned

VERSION = 2
"""Of what is made here: figures on made anomalies compare only within one version. Raise it with
every change that gives other images, other kinds or another figure of them."""

_TRIES = 16
"""Draws for each made image; the first that can be seen is kept, or the one that differs most, as
a patch of plain background exchanged for another makes no anomaly."""
_SEEN = 0.5
"""Standard deviations of its original's pixels that a made image must differ by where it was
changed, on average."""


def with_made_anomalies(split: Split, classes: Sequence[str], seed: int) -> Split:
    """The split with anomalies made for each of `classes` from its own held-out normals only.

    They take the place of labelled ones wherever a training is validated; train, validation and
    test images stay as they are. The same images and seed give the same anomalies.
    """
    development = split.development
    made = {
        name: make_anomalies(
            development.validation.of_class(name), [seed, split.class_names.index(name)]
        )
        for name in classes
    }
    return replace(split, development=replace(development, made_anomalies=made))


def make_anomalies(normals: Pixels, seed: Sequence[int]) -> dict[str, Pixels]:
    """By kind one image from every normal one, in their order, uint8 (N, C, H, W), N at least 1.

    Rotation is among the kinds where it means something for these images.
    """
    kinds = dict(LOCAL)
    if turns := telling_turns(normals):
        kinds[ROTATION] = turned(turns)
    return {
        kind: _made(normals, change, np.random.default_rng([*seed, *kind.encode()]))
        for kind, change in kinds.items()
    }


def _made(normals: Pixels, change: Change, generator: np.random.Generator) -> Pixels:
    others = normals[generator.permutation(len(normals))]
    made = []
    for image, other in zip(normals, others, strict=True):
        # An image that was drawn for itself, or the only one there is, meets its mirror.
        partner = other[:, ::-1, ::-1] if np.array_equal(other, image) else other
        enough = _SEEN * float(image.std())
        most, best = -1.0, image
        for _ in range(_TRIES):
            drawn = change(image, partner, generator)
            seen = _difference(drawn, image)
            if seen > most:
                most, best = seen, drawn
            if seen >= enough > 0:
                break
        made.append(best)
    return np.stack(made)


def _difference(changed: Pixels, image: Pixels) -> float:
    """Grey levels between the two, the mean over the values that were changed."""
    apart = np.abs(changed.astype(np.int16) - image)
    return float(apart.sum()) / max(1, int(np.count_nonzero(apart)))
