"""The split of the protocol: train, validation and test, disjoint by construction.

Whatever this module cuts, it cuts by class and keeps identical images together, so that no image
is learned from on one side and judged on the other. Official test parts are left as they are.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from itertools import chain

import numpy as np
import numpy.typing as npt

from memgan.config import DataConfig
from memgan.data.images import (
    Development,
    Flags,
    LabeledImages,
    Labels,
    Pixels,
    Source,
    Split,
)
from memgan.data.sources import load_source

# One stream of random numbers a cut, so that changing one fraction leaves the other cut's order.
_TEST_STREAM, _VALIDATION_STREAM = 0, 1

_LEAST_TRAIN = 2
"""Training images a class needs, as a batch of one has no spread."""
_LEAST_TRAIN_AND_VALIDATION = _LEAST_TRAIN + 1


def load_split(config: DataConfig, *, download: bool = False) -> Split:
    """`load_source` and `make_split` in one; see there for the errors."""
    return make_split(load_source(config, download=download), config)


def make_split(source: Source, config: DataConfig) -> Split:
    """Cut a source into train, validation and test.

    Without an official test part, `test_fraction` of every class becomes test; then
    `validation_fraction` of every class of the rest becomes validation. Shares are rounded, are at
    least one image, and leave a class two images to train on (and, where test is cut, one to
    validate on); a class too small for that gives none. Parts keep the source's order. The same
    images, fractions and seed give the same split; the global random state is neither used nor
    changed.
    """
    pool, test = source.train, source.test
    if test is None:
        held = _hold_out(
            pool,
            config.test_fraction,
            keep=_LEAST_TRAIN_AND_VALIDATION,
            rng=_generator(config.split_seed, _TEST_STREAM),
        )
        pool, test = _part(pool, ~held), _part(pool, held)
    held = _hold_out(
        pool,
        config.validation_fraction,
        keep=_LEAST_TRAIN,
        rng=_generator(config.split_seed, _VALIDATION_STREAM),
    )
    development = Development(train=_part(pool, ~held), validation=_part(pool, held))
    return Split(source.name, development, test, _hash(development, test))


def identical(images: Pixels) -> npt.NDArray[np.int64]:
    """int64 (N,): the same number for images, uint8 (N, C, H, W), that are equal in every pixel."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in _keys(images)], dtype=np.int64)


def shared_images(part: LabeledImages, other: LabeledImages) -> int:
    """How many images of `part` are, pixel by pixel, also in `other`."""
    known = set(_keys(other.images))
    return sum(key in known for key in _keys(part.images))


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, stream]))


def _part(images: LabeledImages, chosen: Flags) -> LabeledImages:
    return images.take(np.flatnonzero(chosen))


def _hold_out(
    images: LabeledImages, fraction: float, *, keep: int, rng: np.random.Generator
) -> Flags:
    """bool (N,): a share of every class, never a part of a group of identical images."""
    held = np.zeros(len(images), dtype=np.bool_)
    for label, groups in _groups_by_class(images.images, images.labels).items():
        of_class = images.labels == label
        size = int(of_class.sum())
        wanted = min(max(round(fraction * size), 1), max(size - keep, 0))
        # A group with images of several classes goes with the first of them, and counts here.
        taken = int(held[of_class].sum())
        for index in rng.permutation(len(groups)):
            group = groups[index]
            weight = int((images.labels[group] == label).sum())
            if taken + weight <= wanted:
                held[group] = True
                taken += weight
            if taken >= wanted:
                break
    return held


def _groups_by_class(images: Pixels, labels: Labels) -> dict[int, list[list[int]]]:
    """Positions of identical images, as groups, under the class of the group's first image."""
    groups: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(identical(images).tolist()):
        groups[group].append(position)
    by_class: dict[int, list[list[int]]] = defaultdict(list)
    for positions in groups.values():
        by_class[int(labels[positions[0]])].append(positions)
    return dict(sorted(by_class.items()))


def _keys(images: Pixels) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


def _hash(development: Development, test: LabeledImages) -> str:
    parts = {"train": development.train, "validation": development.validation, "test": test}
    named = ((name, part.fingerprint()) for name, part in parts.items())
    return hashlib.sha256("\n".join(chain.from_iterable(named)).encode()).hexdigest()
