"""Images that are equal in every pixel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from memgan.data.images import LabeledImages, Labels, Pixels, Source


def identical(images: Pixels) -> npt.NDArray[np.int64]:
    """int64 (N,): the same number for images, uint8 (N, C, H, W), that are equal in every pixel."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in _keys(images)], dtype=np.int64)


def shared_images(part: LabeledImages, other: LabeledImages) -> int:
    """How many images of `part` are, pixel by pixel, also in `other`."""
    known = set(_keys(other.images))
    return sum(key in known for key in _keys(part.images))


def in_two_classes(images: Pixels, labels: Labels, called: Callable[[int], str]) -> tuple[str, ...]:
    """A warning, with their count and a pair, where an image is in more than one class.

    images: uint8 (N, C, H, W); labels: int64 (N,). called: what to call the image at a position.
    """
    first: dict[int, int] = {}
    pairs: dict[int, tuple[int, int]] = {}
    for position, group in enumerate(identical(images).tolist()):
        earlier = first.setdefault(group, position)
        if labels[earlier] != labels[position]:
            pairs.setdefault(group, (earlier, position))
    if not pairs:
        return ()
    one, other = next(iter(pairs.values()))
    what = "1 image is" if len(pairs) == 1 else f"{len(pairs)} images are"
    return (
        f"{what} in more than one class, pixel by pixel, such as {called(one)} and"
        f" {called(other)}; no detector can tell these apart, so keep each in one class",
    )


def told_of_twins(source: Source) -> Source:
    """The source with a remark on images in more than one class, each called by its part and its
    place there; for sources whose images have no names of files."""
    parts = {"train": source.train, "validation": source.validation, "test": source.test}
    there = {part: images for part, images in parts.items() if images is not None}
    places = [
        f"{part} image {place} (class {images.class_names[label]})"
        for part, images in there.items()
        for place, label in enumerate(images.labels)
    ]
    pixels: Pixels = np.concatenate([images.images for images in there.values()])
    labels: Labels = np.concatenate([images.labels for images in there.values()])
    told = in_two_classes(pixels, labels, places.__getitem__)
    return replace(source, remarks=(*source.remarks, *told))


def _keys(images: Pixels) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
