"""The memory of MEMGAN: addressing, projection and sampling of codes (Eqs. 3 and 5).

Shapes: codes (B, d), memory (n, d), addresses (B, n).
"""

from __future__ import annotations

import torch
from torch import Tensor


def address(codes: Tensor, memory: Tensor) -> Tensor:
    """α(z) = softmax(M z), (B, n): a raw dot product, no temperature (Eq. 5)."""
    return torch.softmax(address_logits(codes, memory), dim=1)


def address_logits(codes: Tensor, memory: Tensor) -> Tensor:
    """M z before the softmax, (B, n)."""
    return codes @ memory.T


def project(codes: Tensor, memory: Tensor) -> Tensor:
    """P(z) = Mᵀ α(z), (B, d): a convex combination of memory units (Eq. 5)."""
    return address(codes, memory) @ memory


def sample_addresses(
    count: int, units: int, *, sharpness: float, generator: torch.Generator
) -> Tensor:
    """a = softmax(s·r), r ~ N(0, 1), (count, units); Mᵀa is then a sampled code (Eq. 3).

    The paper leaves the law of r open; a greater s puts more of the weight on one unit.
    """
    return soften(draw_noise(count, units, generator), sharpness)


def draw_noise(count: int, units: int, generator: torch.Generator) -> Tensor:
    """r ~ N(0, 1), (count, units)."""
    return torch.randn(count, units, generator=generator, device=generator.device)


def soften(noise: Tensor, sharpness: float) -> Tensor:
    """a = softmax(s·r), (count, units)."""
    return torch.softmax(sharpness * noise, dim=1)
