"""Labelled images: the one typed thing that every source becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memgan.data.left_out import LeftOut
from memgan.data.masks import Masks
from memgan.text import one_or_two_lines

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SMALLEST = 8
"""Pixels a side: the networks halve an image twice and need two pixels left."""
LARGEST = 2**24
"""Values of an image, over all channels: 4096×4096 in grey. Networks for more fit no memory."""


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images with the index of each one's class.

    images: uint8 (N, C, H, W), 0 to 255.
    labels: int64 (N,), indices into `class_names`.
    class_names: all classes of the source, in a fixed order; some may have no image here.
    masks: where each image is anomalous, at its file's own size; None where no mask was read.
    """

    images: Pixels
    labels: Labels
    class_names: tuple[str, ...]
    masks: Masks | None = None

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(
                f"images must be uint8 (N, C, H, W), got {self.images.dtype} {self.images.shape}"
            )
        if self.labels.shape != (len(self.images),):
            raise ValueError(f"labels must be ({len(self.images)},), got {self.labels.shape}")
        if self.masks is not None and len(self.masks) != len(self.images):
            raise ValueError(f"masks must be {len(self.images)}, got {len(self.masks)}")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.image_shape))
        return f"LabeledImages({len(self)} images of {shape}, {len(self.class_names)} classes)"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def of_class(self, name: str) -> Pixels:
        """The images of one class, uint8 (n, C, H, W)."""
        chosen: Pixels = self.images[self.labels == self.class_names.index(name)]
        return chosen

    def anomalous(self, normal_class: str) -> Flags:
        """bool (N,): True where an image is not of the normal class."""
        flags: Flags = self.labels != self.class_names.index(normal_class)
        return flags

    def counts(self) -> dict[str, int]:
        """Images by class name, zeros included."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names))
        return {name: int(n) for name, n in zip(self.class_names, numbers, strict=True)}

    def take(self, indices: npt.NDArray[np.intp]) -> LabeledImages:
        """The images at these positions, in this order."""
        masks = None if self.masks is None else tuple(self.masks[int(at)] for at in indices)
        return LabeledImages(self.images[indices], self.labels[indices], self.class_names, masks)

    def joined(self, others: LabeledImages) -> LabeledImages:
        """These images and then the others, of the same shape and classes."""
        return LabeledImages(
            np.concatenate([self.images, others.images]),
            np.concatenate([self.labels, others.labels]),
            self.class_names,
            (*(self.masks or [None] * len(self)), *(others.masks or [None] * len(others)))
            if self.masks or others.masks
            else None,
        )

    def flat(self) -> Flags:
        """bool (N,): True where all pixels of an image are equal, so that it shows nothing."""
        first = self.images[:, :1, :1, :1]
        flags: Flags = (self.images == first).all(axis=(1, 2, 3))
        return flags

    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, over pixels, labels, shape and class names."""
        digest = hashlib.sha256(repr((self.images.shape, self.class_names)).encode())
        digest.update(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Source:
    """A data set as it was loaded: the parts that it comes with, before any split of ours.

    test is None where the data set has no test part; one is then cut from train. So is validation.
    """

    name: str
    train: LabeledImages
    test: LabeledImages | None
    validation: LabeledImages | None = None
    benchmark: bool = False
    """Whether it is a published data set, whose split does not depend on the normal classes."""
    remarks: tuple[str, ...] = ()
    """One line for each thing about the files that the user should know."""
    left_out: tuple[LeftOut, ...] = ()
    """Files and folders that were not read."""


@dataclass(frozen=True, eq=False)
class Development:
    """What a trial may see: training and validation images. No test image is reachable from it.

    validation: held-out normals and, where the train part has other classes, held-out anomalies.
    """

    train: LabeledImages
    validation: LabeledImages
    made_anomalies: Mapping[str, Mapping[str, Pixels]] | None = None
    """By normal class and kind, one made from each of its held-out normals, in their order; they
    then stand for the labelled ones."""

    def validation_of(self, normal_class: str) -> tuple[Pixels, Flags]:
        """The images that a detector of this class is validated on, and which are anomalies."""
        if self.made_anomalies is None:
            return self.validation.images, self.validation.anomalous(normal_class)
        normals = self.validation.of_class(normal_class)
        images = np.concatenate([normals, *self.made_anomalies[normal_class].values()])
        return images, np.arange(len(images)) >= len(normals)

    def made_kinds(self, normal_class: str) -> tuple[str, ...]:
        """The kinds of anomalies made for this class, in the order of `validation_of`; none where
        labelled ones are looked at."""
        return () if self.made_anomalies is None else tuple(self.made_anomalies[normal_class])

    def can_validate(self, normal_class: str) -> bool:
        """Whether validation holds both normals and anomalies, so that an AUROC exists."""
        if self.made_anomalies is not None:
            return normal_class in self.made_anomalies
        flags = self.validation.anomalous(normal_class)
        return bool(flags.any() and not flags.all())


@dataclass(frozen=True, eq=False)
class Split:
    """The parts of a source by the protocol, disjoint, with a hash of exactly what is where."""

    source: str
    development: Development
    test: LabeledImages
    hash: str
    lent: str | None = None
    """Which test images were lent to validation, in one line; None where none were."""
    remarks: tuple[str, ...] = ()
    """One line for each thing about the images that the user should know."""

    def __repr__(self) -> str:
        parts = self.development.train, self.development.validation, self.test
        train, validation, test = map(len, parts)
        shape = "×".join(map(str, self.test.image_shape))
        return one_or_two_lines(
            f"Split({self.source}: {train} images of {shape} to train, {validation} for validation,"
            f" {test} for test, {len(self.class_names)} classes)"
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.test.class_names

    @property
    def normal_classes(self) -> tuple[str, ...]:
        """The classes that can serve as the normal one: those with training images."""
        counts = self.development.train.counts()
        return tuple(name for name in self.class_names if counts[name])


Scores = npt.NDArray[np.float64]
"""(N,), one score an image; higher = more anomalous."""
