"""What a shallow detector sees of an image: its pixels, or the vector of a frozen network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from memgan.config import Features
from memgan.data import Pixels
from memgan.detectors.parts.weights import Spec
from memgan.detectors.vectors.seal import SEAL, SEAL_BYTES
from memgan.features import Extractor

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


def seal_spec(extractor: Extractor | None) -> dict[str, Spec]:
    """Kind and shape of the checksum, for those that have one."""
    return {} if extractor is None else {SEAL: Spec((SEAL_BYTES,), torch.uint8)}
