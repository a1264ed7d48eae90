"""The checksum of the frozen network that weights were learned with, among these weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor

from memgan.errors import BundleError
from memgan.features import Extractor

SEAL = "backbone"
"""The name of the checksum among weights."""
SEAL_BYTES = 32


def sealed(extractor: Extractor | None, learned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What was learned, with the checksum of the network that it was learned with."""
    if extractor is None:
        return dict(learned)
    seal = np.frombuffer(bytes.fromhex(extractor.checksum), dtype=np.uint8).copy()
    return {**learned, SEAL: torch.from_numpy(seal)}


def unsealed(extractor: Extractor | None, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What was learned; the network must be the one it was learned with, else BundleError."""
    if extractor is None:
        return dict(weights)
    seal = weights.get(SEAL)
    if seal is None or seal.dtype != torch.uint8 or tuple(seal.shape) != (SEAL_BYTES,):
        raise BundleError(
            f"weights lack {SEAL!r}, the checksum of the network they were learned with; export"
            " the bundle again"
        )
    extractor.expect(bytes(cast("list[int]", seal.tolist())).hex())
    return {name: value for name, value in weights.items() if name != SEAL}
