"""What a frozen network makes of images: vectors, or maps, as one module that can be traced."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import Features
from memgan.data import Pixels
from memgan.errors import BundleError
from memgan.features.backbones import backbone_named, fill, make_network
from memgan.features.feature_cache import FeatureCache
from memgan.features.layers import layer_modules, maps_of
from memgan.features.weights_place import find_weights, read_weights
from memgan.machine import computed_in

Floats = npt.NDArray[np.float32]
_PIXELS_ON_CPU = 2**17
"""Pixels of the images that the network is given at a time on a CPU: what it makes of so many
stays in the processor's cache, which takes half the time of four times as many (measured once by
hand)."""


class Extractor(nn.Module):
    """Images uint8 (N, C, H, W) to vectors (N, p), or to maps (N, p, h, w), float32.

    Grey is repeated, other than one and three channels become their mean; the size is changed by
    antialiased bilinear interpolation. The network has no weights until they are needed, when
    they are read from their file, or until `take` gives it some.
    """

    mean: Tensor
    spread: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(
        self,
        features: Features,
        image_shape: tuple[int, int, int],
        *,
        device: torch.device,
        average: int = 1,
    ) -> None:
        """average: cells a side over which maps are averaged at every place, an odd number."""
        super().__init__()
        self.features, self.average, self.device = features, average, device
        self.backbone = backbone_named(features.backbone)
        self.network = make_network(self.backbone)
        used = layer_modules(
            self.network, features.layer_names, side=features.size, name=features.backbone
        )
        # p, the values of a vector or of a place of a map.
        self.modules_used = list(used)
        self.count = sum(channels for channels, _ in used.values())
        # Cells a side of the maps, and in all.
        self.side = max(side for _, side in used.values())
        self.cells = self.side**2
        for number, (_, side) in enumerate(used.values()):
            self.register_buffer(f"finer{number}", resizing(side, self.side))
        _, height, width = image_shape
        self.register_buffer("mean", torch.tensor(self.backbone.mean).reshape(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(self.backbone.spread).reshape(1, 3, 1, 1))
        self.register_buffer("rows", resizing(height, features.size))
        self.register_buffer("columns", resizing(width, features.size).T.contiguous())
        self.cache: FeatureCache | None = None
        self._checksum = "" if self.backbone.needs_weights else self._of_weights()
        self._expected = ""
        # Convolutions of few channels are quicker with the channels of a pixel side by side.
        self.eval().to(device).to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation, whatever is done with a module that this one is a part of: its
        BatchNorm would take the statistics of a batch, and change its own."""
        return super().train(False)

    @property
    def checksum(self) -> str:
        """SHA-256, hexadecimal, over the network's weights; they are read if they are not yet."""
        if not self._checksum:
            path = find_weights(self.features)
            assert path is not None
            fill(self.network, read_weights(self.backbone, path), str(path))
            self._checksum = self._of_weights()
            if self._expected not in ("", self._checksum):
                found, self._checksum = self._checksum, ""
                raise BundleError(
                    f"{path} holds other weights of {self.backbone.name} (checksum {found[:8]})"
                    f" than those that this was fitted with ({self._expected[:8]}); give those"
                )
        return self._checksum

    def expect(self, checksum: str) -> None:
        """Refuse weights of another checksum. BundleError where others are in use."""
        if self._checksum not in ("", checksum):
            raise BundleError(
                f"the backbone has the checksum {self._checksum[:8]}, {checksum[:8]} is needed;"
                " export the bundle again"
            )
        self._expected = checksum

    def frozen(self) -> dict[str, Tensor]:
        """Copies of the network's weights on the CPU, by name."""
        self.checksum  # noqa: B018  # reads them
        form = torch.contiguous_format
        return {name: value.cpu().clone(memory_format=form) for name, value in self._own().items()}

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Use these weights, as `frozen` gave them. BundleError where they do not fit."""
        if set(weights) != set(self._own()):
            raise BundleError(
                f"the backbone's weights are not those of {self.backbone.name}; export the bundle"
                " again"
            )
        fill(self.network, weights, "the bundle's backbone")
        self._checksum = self._of_weights()
        if self._expected not in ("", self._checksum):
            raise BundleError("the backbone's weights are not those that this was fitted with")

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.to(torch.float32)
        if images.shape[1] not in (1, 3):
            pixels = pixels.mean(dim=1, keepdim=True)
        # Two products with fixed matrices: the same in torch and in ONNX, whatever either of them
        # understands by an antialiased resize.
        pixels = self.rows @ pixels @ self.columns
        seen = ((pixels / 255).expand(-1, 3, -1, -1) - self.mean) / self.spread
        maps = maps_of(self.network, self.modules_used, seen)
        if self.average > 1:
            side = self.average // 2
            maps = [
                F.avg_pool2d(m, self.average, stride=1, padding=side, count_include_pad=False)
                for m in maps
            ]
        return _vector(maps) if self.features.pooling == "mean" else self._joined(maps)

    def _joined(self, maps: list[Tensor]) -> Tensor:
        """All maps at the resolution of the finest, one behind the other."""
        finer = [cast(Tensor, getattr(self, f"finer{number}")) for number in range(len(maps))]
        at_one = [
            each if each.shape[-1] == self.side else rows @ each @ rows.T
            for each, rows in zip(maps, finer, strict=True)
        ]
        return torch.cat(at_one, dim=1)

    def of(self, images: Pixels) -> Floats:
        """What the network makes of any number of images, in fp32 whatever a training around it is
        computed in; from the cache where there is one."""
        if self.cache is None:
            return self._computed(images)
        return self.cache.get(self._key(), images, self._computed)

    @torch.no_grad()
    def _computed(self, images: Pixels) -> Floats:
        self.checksum  # noqa: B018  # reads the weights
        at_once = self.features.images_at_once
        if self.device.type == "cpu":
            at_once = max(1, min(at_once, _PIXELS_ON_CPU // self.features.size**2))
        with computed_in("fp32", self.device):
            parts = [
                self(torch.tensor(images[at : at + at_once], device=self.device)).cpu().numpy()
                for at in range(0, len(images), at_once)
            ]
        return np.concatenate(parts) if parts else np.empty((0, self.count), dtype=np.float32)

    def _key(self) -> dict[str, Any]:
        """All that decides what is computed of given images, but for the last digits."""
        return {
            "weights": self.checksum,
            "backbone": self.backbone.name,
            "modules": self.modules_used,
            "size": self.features.size,
            "pooling": self.features.pooling,
            "average": self.average,
            "device": self.device.type,
            "arithmetic": "fp32",
        }

    def _own(self) -> dict[str, Tensor]:
        state = self.network.state_dict().items()
        return {name: value for name, value in state if not name.endswith("num_batches_tracked")}

    def _of_weights(self) -> str:
        digest = hashlib.sha256((self.backbone.name + self.backbone.edition).encode())
        for name, value in sorted(self._own().items()):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def resizing(given: int, wanted: int) -> Tensor:
    """The matrix (wanted, given) that resizes a line of values by antialiased bilinear
    interpolation, each of its rows of sum 1."""
    lines = torch.eye(given)[None, None]
    resized: Tensor = F.interpolate(
        lines, size=(wanted, given), mode="bilinear", antialias=True, align_corners=False
    )[0, 0]
    return resized


def _vector(maps: list[Tensor]) -> Tensor:
    """Means over places, of each layer at unit length; all of them together too, (N, p)."""
    units = [F.normalize(m.mean(dim=(2, 3)), dim=1) for m in maps]
    joined: Tensor = torch.cat(units, dim=1) / math.sqrt(len(units))
    return joined
