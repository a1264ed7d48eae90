"""What stands between images and a detector: a frozen network whose features it sees instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from memgan.config.detector_plugin import DetectorParameters
from memgan.config.typed import Frozen, UsersPath

_LAYER = re.compile(r"[A-Za-z0-9_.]+")
_PIXELS_AT_ONCE = 2**19
"""Pixels of the images that a network is given at a time: about 300 MiB of its values."""


class Features(Frozen):
    """A frozen network, and which of its features a detector sees in place of pixels."""

    backbone: str = "efficientnet-lite0"
    """`efficientnet-lite0`, any classification network of torchvision by its name (`resnet18`), or
    `filters`, a fixed bank of edge filters that needs no weights. `memgan doctor` says which are
    ready."""
    layers: str | None = None
    """Layers joined by commas: `stride8` is the last one whose map has an eighth of the image's
    side; any other word is a module's own name in the network. Null is `stride32` for a mean, and
    `stride8,stride16` for maps."""
    size: int = Field(224, ge=32, le=1024, multiple_of=32)
    """Pixels a side that the network is given, whatever the images have."""
    pooling: Literal["mean", "none"] = "mean"
    """`mean`: one vector an image, of each layer the mean over places, at unit length. `none`: the
    maps, all at the resolution of the finest."""
    weights: UsersPath | None = None
    """A file of the network's weights: `.safetensors`, or `.pth` with nothing but tensors. Null
    looks in the installed packages, then in the folder that MEMGAN_BACKBONES names, else in that
    of `torch.hub`."""

    @field_validator("layers", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
            return ",".join(value)
        return value

    @field_validator("layers")
    @classmethod
    def _words(cls, value: str | None) -> str | None:
        if value is None:
            return None
        names = [name.strip() for name in value.split(",")]
        if not all(_LAYER.fullmatch(name) for name in names):
            raise ValueError("write layers as stride8,stride16 or as names of modules")
        return ",".join(dict.fromkeys(names))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers, with the defaults where none is named."""
        if self.layers:
            return tuple(self.layers.split(","))
        return ("stride32",) if self.pooling == "mean" else ("stride8", "stride16")

    @property
    def images_at_once(self) -> int:
        """How many images the network is given at a time."""
        return max(1, min(256, _PIXELS_AT_ONCE // self.size**2))


class OnFeatures(DetectorParameters):
    """What a detector has that sees pixels, or the features of a frozen network."""

    POOLING: ClassVar[Literal["mean", "none"]] = "mean"
    """What it can see of a network: vectors, or maps."""

    features: Features | None = None
    """The frozen network that it sees images through; null is pixels."""

    @property
    def images_at_once(self) -> int:
        return self.features.images_at_once if self.features else super().images_at_once

    def portable(self) -> OnFeatures:
        if self.features is None:
            return self
        return self.model_copy(
            update={"features": self.features.model_copy(update={"weights": None})}
        )

    @field_validator("features", mode="before")
    @classmethod
    def _with_its_pooling(cls, value: Any) -> Any:
        return {"pooling": cls.POOLING, **value} if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _seen_once(self) -> OnFeatures:
        if self.features and getattr(self, "contrast_normalised", False):
            raise ValueError("features and contrast_normalised exclude each other; give one")
        if self.features and getattr(self, "score", "mean") != "mean":
            raise ValueError("score is of what is rebuilt, which features are not; leave it out")
        if self.features and self.features.pooling != self.POOLING:
            raise ValueError(f"features.pooling must be {self.POOLING} for this detector")
        return self


class NeighboursParameters(OnFeatures):
    """Mean Euclidean distance to the nearest training images, on pixels or on features."""

    neighbours: int = Field(1, ge=1)
    """The number of nearest training images that the score averages over."""


class PatchMemoryParameters(OnFeatures):
    """A memory of local features (PatchCore, arXiv 2106.08265): an image is as anomalous as the
    place in it that is farthest from all that the memory holds."""

    POOLING: ClassVar[Literal["mean", "none"]] = "none"

    features: Features = Features(pooling="none")
    """The frozen network that it sees images through; it needs one."""
    memory_share: float = Field(0.02, gt=0, le=1)
    """Share of the places of the training images that is remembered, chosen so that no other lies
    far from all of them. It is of 262,144 places, drawn at random, where there are more."""
    most_remembered: int = Field(10000, ge=1)
    """The most places that are remembered."""
    averaged: Literal[1, 3, 5] = 3
    """Cells a side of the map over which features are averaged at every place."""
    neighbours: int = Field(9, ge=1)
    """The score is weighted by how far the remembered places around the nearest one lie; it is
    larger where they are rare. This many are looked at. With 1 the score is not weighted."""
    largest: int = Field(1, ge=1)
    """The score is the mean distance of this many places, those that are farthest."""
    whitening: float = Field(0.0, ge=0)
    """Above 0, distances are those of features without their correlations, each direction divided
    by its spread in the training images; this share of the mean variance is added to every one,
    so that directions of little variance are not all noise. Not in the paper."""
    smoothing: float = Field(4.0, ge=0)
    """Standard deviation, in pixels of the network's images, of the blur of the map by pixel. It
    does not change the score."""
