"""What a shallow detector sees of an image: its pixels, or the vector of a frozen network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.config import Features
from memgan.data import Pixels
from memgan.detectors.parts.weights import Spec
from memgan.features import Extractor

SEAL = "backbone"
"""The name, among weights, of the checksum of the network that they were fitted with."""
_BYTES = 32

Rows = npt.NDArray[np.float64]


def sight(
    features: Features | None,
    image_shape: tuple[int, int, int],
    device: torch.device,
    average: int = 1,
) -> Extractor | None:
    """The frozen network that is asked for, on `device`; None for pixels. average: as of
    `Extractor`."""
    if features is None:
        return None
    return Extractor(features, image_shape, device=device, average=average)


def vectors(extractor: Extractor, images: Pixels) -> Rows:
    """float64 (N, p)."""
    return extractor.of(images).astype(np.float64)


def ready(extractor: Extractor) -> nn.Module:
    """The network with its weights, to be scored with: images uint8 to float32."""
    extractor.checksum  # noqa: B018  # reads them
    return extractor


def sealed(extractor: Extractor | None, learned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What was learned, with the checksum of the network that it was learned with."""
    if extractor is None:
        return dict(learned)
    seal = np.frombuffer(bytes.fromhex(extractor.checksum), dtype=np.uint8).copy()
    return {**learned, SEAL: torch.from_numpy(seal)}


def seal_spec(extractor: Extractor | None) -> dict[str, Spec]:
    """Kind and shape of the checksum, for those that have one."""
    return {} if extractor is None else {SEAL: Spec((_BYTES,), torch.uint8)}


def unsealed(extractor: Extractor | None, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What was learned; the network must be the one it was learned with, else BundleError."""
    if extractor is None:
        return dict(weights)
    extractor.expect(bytes(cast("list[int]", weights[SEAL].tolist())).hex())
    return {name: value for name, value in weights.items() if name != SEAL}
