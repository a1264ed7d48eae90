"""The split of the protocol: train, validation and test, disjoint by construction.

Whatever this module cuts, it cuts by class and keeps identical images together, so that no image
is learned from on one side and judged on the other. Parts that a source comes with, official or
made by the user, are left as they are.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from itertools import chain
from typing import Literal

import numpy as np
import numpy.typing as npt

from memgan.config import DataConfig
from memgan.data.identical import identical
from memgan.data.images import (
    Development,
    Flags,
    LabeledImages,
    Labels,
    Pixels,
    Source,
    Split,
)
from memgan.data.sources.named import load_source
from memgan.errors import DataError
from memgan.waiting import waiting_for

# One stream of random numbers a cut, so that changing one fraction leaves the other cut's order.
_TEST_STREAM, _VALIDATION_STREAM, _JUDGES_STREAM, _FOLD_STREAM = 0, 1, 2, 3
_LENT_STREAM = 4

NormalClass = Literal["all"] | tuple[str, ...]
"""The classes that are trained on, one after the other."""

_LEAST_TRAIN = 2
"""Training images a class needs, as a batch of one has no spread."""
_LEAST_TRAIN_AND_VALIDATION = _LEAST_TRAIN + 1
_MOST_FOLDS = 5


def load_split(
    config: DataConfig, *, normal_class: NormalClass = "all", download: bool = False
) -> Split:
    """`load_source` and `make_split` in one; see there for the errors."""
    with waiting_for(f"loading {config.source}"):
        return make_split(load_source(config, download=download), config, normal_class)


def make_split(source: Source, config: DataConfig, normal_class: NormalClass = "all") -> Split:
    """Cut a source into train, validation and test.

    Parts that the source has of its own are left as they are. Without a test part,
    `test_fraction` of every class becomes test (0: none does, and test is empty); then, without a
    validation part, `validation_fraction` of every class of the rest becomes validation. Shares
    are rounded, are at least one image, and leave a class two images to train on (and, where test
    is cut, one to validate on); a class too small for that gives none.

    Where `cuts_by_use`, classes other than `normal_class` are never trained on, and their images
    go only to validation and test: half to each, or all to the one that is cut here.

    Parts keep the source's order. The same images, fractions, classes and seed give the same
    split; the global random state is neither used nor changed.
    """
    pool = source.train
    judges = _never_trained(source, config, normal_class)
    for_test, for_validation = _share_out(source, judges, config)
    rest = np.flatnonzero(~(for_test | for_validation))
    test = source.test
    if test is None:
        held = _hold_out(
            pool.take(rest),
            config.test_fraction,
            keep=_LEAST_TRAIN_AND_VALIDATION,
            rng=_generator(config.split_seed, _TEST_STREAM),
            given=() if config.test_fraction else np.unique(pool.labels),
        )
        for_test[rest[held]] = True
        test, rest = _part(pool, for_test), rest[~held]
    held = _hold_out(
        pool.take(rest),
        config.validation_fraction,
        keep=_LEAST_TRAIN,
        rng=_generator(config.split_seed, _VALIDATION_STREAM),
        given=() if source.validation is None else np.unique(source.validation.labels),
    )
    for_validation[rest[held]] = True
    validation = _part(pool, for_validation)
    if source.validation is not None:
        validation = source.validation.joined(validation)
    lent = None
    if config.validation == "from-test":
        test, borrowed, lent = _lend(source, config, normal_class)
        validation = validation.joined(borrowed)
    development = Development(train=pool.take(rest[~held]), validation=validation)
    return Split(
        source.name,
        development,
        test,
        _hash(development, test),
        lent=lent,
        remarks=(*source.remarks, *([lent] if lent else [])),
    )


def _lend(
    source: Source, config: DataConfig, normal_class: NormalClass
) -> tuple[LabeledImages, LabeledImages, str]:
    """What stays of the test part, what validation borrows of it, and a line on it: half of every
    class that is never a normal one. DataError where there is nothing to lend."""
    test, trained = source.test, source.train.counts()
    refused = f"data.validation: from-test: {source.name}"
    if source.benchmark:
        raise DataError(
            f"{refused} is a published data set, whose test images serve only to test; leave"
            " data.validation out"
        )
    if test is None:
        raise DataError(
            f"{refused} has no test part of its own; leave data.validation out, as validation is"
            " then cut from all images"
        )
    normal = {n for n in trained if trained[n]} if normal_class == "all" else set(normal_class)
    names = test.class_names
    lent = _hold_out(
        test,
        0.5,
        keep=1,
        rng=_generator(config.split_seed, _LENT_STREAM),
        given=[label for label, name in enumerate(names) if name in normal],
    )
    if not lent.any():
        raise DataError(
            f"{refused} has no anomalous class of two test images or more to lend from; add some,"
            " or leave data.validation out"
        )
    borrowed, before = _part(test, lent), test.counts()
    of_each = [f"{n} of {before[name]} {name}" for name, n in borrowed.counts().items() if n]
    line = (
        f"test images were lent to validation (data.validation: from-test, seed"
        f" {config.split_seed}): {', '.join(of_each)}; they are not in the test figures"
    )
    return _part(test, ~lent), borrowed, line


def trainings_of_final(config: DataConfig) -> float:
    """How long a final detector trains, in trainings on the train part alone: 1, or with
    `calibration: cross-fit` one on all images and one for each fold on the images of the others."""
    if config.calibration == "holdout":
        return 1.0
    on_all = 1 / (1 - config.validation_fraction)
    return on_all + _MOST_FOLDS * on_all * (_MOST_FOLDS - 1) / _MOST_FOLDS


def fold_numbers(images: Pixels, seed: int, most: int = _MOST_FOLDS) -> npt.NDArray[np.int64]:
    """int64 (N,): the fold of each image, 0 on, for cross-fitting; identical images share one.

    There are `most` folds of near-equal size, or as many as there are different images.
    DataError where these are fewer than three, as a detector is trained on two.
    """
    groups = identical(images)
    different = np.unique(groups)
    if len(different) < _LEAST_TRAIN_AND_VALIDATION:
        raise DataError(
            f"{len(different)} different images are too few to cross-fit; add images, as at least"
            f" {_LEAST_TRAIN_AND_VALIDATION} are needed"
        )
    shuffled = _generator(seed, _FOLD_STREAM).permutation(different)
    fold_of = {int(group): place % most for place, group in enumerate(shuffled)}
    return np.array([fold_of[int(group)] for group in groups], dtype=np.int64)


def cuts_by_use(source: Source, config: DataConfig, normal_class: NormalClass) -> bool:
    """Whether classes that are never trained on are shared out between validation and test only.

    `data.cut` says so; left at "auto", the user's own images are cut so and benchmarks are not, as
    figures on them are compared with others' whichever classes were normal. Of "all" classes, and
    where the source has no images to train on of one of the classes, every class is cut alike.
    """
    if normal_class == "all" or config.cut == "by-class":
        return False
    if config.cut == "auto" and source.benchmark:
        return False
    counts = source.train.counts()
    return all(counts.get(name, 0) for name in normal_class)


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, stream]))


def _part(images: LabeledImages, chosen: Flags) -> LabeledImages:
    return images.take(np.flatnonzero(chosen))


def _never_trained(source: Source, config: DataConfig, normal_class: NormalClass) -> frozenset[int]:
    """The labels of the classes whose images only judge."""
    if not cuts_by_use(source, config, normal_class):
        return frozenset()
    names = source.train.class_names
    return frozenset(label for label, name in enumerate(names) if name not in normal_class)


def _share_out(source: Source, judges: frozenset[int], config: DataConfig) -> tuple[Flags, Flags]:
    """bool (N,) each: images of the train part that only judge, for test and for validation."""
    pool = source.train
    for_test = np.zeros(len(pool), dtype=np.bool_)
    for_validation = np.zeros(len(pool), dtype=np.bool_)
    if not judges:
        return for_test, for_validation
    rng = _generator(config.split_seed, _JUDGES_STREAM)
    one_more = True  # Of odd classes the first gives the one more to test, the next to validation.
    for label, groups in _groups_by_class(pool.images, pool.labels).items():
        if label not in judges:
            continue
        size = sum(len(group) for group in groups)
        if source.test is not None or not config.test_fraction:
            wanted = 0
        elif source.validation is not None:
            wanted = size
        else:
            wanted = (size + one_more) // 2
            one_more ^= bool(size % 2)
        taken = 0
        for index in rng.permutation(len(groups)):
            group = groups[index]
            chosen = for_test if taken + len(group) <= wanted else for_validation
            chosen[group] = True
            taken += len(group) if chosen is for_test else 0
    return for_test, for_validation


def _hold_out(
    images: LabeledImages,
    fraction: float,
    *,
    keep: int,
    rng: np.random.Generator,
    given: Collection[int] = (),
) -> Flags:
    """bool (N,): a share of every class, never a part of a group of identical images.

    given: labels of classes that give none, as held-out images of them are there already.
    """
    held = np.zeros(len(images), dtype=np.bool_)
    for label, groups in _groups_by_class(images.images, images.labels).items():
        if label in given:
            continue
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


def _hash(development: Development, test: LabeledImages) -> str:
    parts = {"train": development.train, "validation": development.validation, "test": test}
    named = ((name, part.fingerprint()) for name, part in parts.items())
    return hashlib.sha256("\n".join(chain.from_iterable(named)).encode()).hexdigest()
