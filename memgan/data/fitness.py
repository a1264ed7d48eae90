"""What a split is good for: which classes can be normal ones, and which can be validated."""

from __future__ import annotations

from typing import Literal

from memgan.data.images import Split
from memgan.errors import DataError, unknown_name

_LEAST_TRAIN = 2


def check_normal_classes(split: Split, wanted: Literal["all"] | tuple[str, ...]) -> tuple[str, ...]:
    """The normal classes that are wanted, in the order asked for ("all": that of the source).

    UnknownName for a class the source does not have. DataError, with the counts, for one that has
    too few images to train on and hold out, or whose training images are all one constant.
    """
    names = split.normal_classes if wanted == "all" else wanted
    if not names:
        raise DataError(f"{split.source}: no class to train on; give at least one normal class")
    for name in names:
        if name not in split.class_names:
            raise unknown_name("class", name, split.class_names)
        fault = why_not_normal(split, name)
        if fault is not None:
            others = [n for n in split.normal_classes if why_not_normal(split, n) is None]
            usable = f"; classes that can: {', '.join(others)} (--normal-class)" if others else ""
            raise DataError(f"{split.source}: {fault}{usable}")
    return names


def why_not_normal(split: Split, name: str) -> str | None:
    """One line on why a class cannot be the normal one; None where it can."""
    train, held = split.development.train, split.development.validation
    trained, validated = train.counts()[name], held.counts()[name]
    if not trained:
        return f"class {name!r} has no training images, so it cannot be the normal class"
    if trained and train.flat()[~train.anomalous(name)].all():
        return f"class {name!r} has only constant training images, each of one value throughout"
    if trained < _LEAST_TRAIN or validated < 1:
        return (
            f"class {name!r} has too few (distinct) images to be the normal class: {trained} to"
            f" train on ({_LEAST_TRAIN} needed), {validated} to validate on (1 needed)"
        )
    return None


def why_no_validation(split: Split, normal_class: str) -> str | None:
    """One line on why a class has no labelled validation, and what can be done; None if it has."""
    if split.development.can_validate(normal_class):
        return None
    held = split.development.validation.counts()
    if not held[normal_class]:
        return f"class {normal_class!r} has no image held out to validate on; add images of it"
    flags = split.test.anomalous(normal_class)
    tested = (
        f"; the AUROC on its {len(flags)} labelled test images is still reported, and"
        " --set data.validation=from-test lends half of the anomalous ones to validation"
        if flags.any() and not flags.all()
        else ""
    )
    return (
        f"class {normal_class!r} has no labelled anomalies to validate on (test images never"
        " serve): search with --objective label-free, which makes anomalies from normal images,"
        " or train one configuration with"
        f" `memgan train`{tested}; or add labelled anomalies to the train part, or as a validation"
        " part (a folder: DIR/train/<class>/ or DIR/validation/<class>/)"
    )
