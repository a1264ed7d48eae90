"""The memory of MEMGAN: addressing, projection and sampling of codes (Eqs. 3 and 5).

Shapes: codes (B, d), memory (n, d), addresses (B, n).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.errors import TrainingDiverged


def address(codes: Tensor, memory: Tensor, scale: float = 1.0) -> Tensor:
    """α(z) = softmax(t·Mz), (B, n), with t the `scale`; Eq. 5 has 1, a raw dot product."""
    return torch.softmax(address_logits(codes, memory, scale), dim=1)


def address_logits(codes: Tensor, memory: Tensor, scale: float = 1.0) -> Tensor:
    """t·Mz, before the softmax, (B, n)."""
    logits = codes @ memory.T
    return logits if scale == 1 else scale * logits


def project(codes: Tensor, memory: Tensor, scale: float = 1.0) -> Tensor:
    """P(z) = Mᵀ α(z), (B, d): a convex combination of memory units (Eq. 5)."""
    return address(codes, memory, scale) @ memory


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


def draw_dirichlet(
    count: int, units: int, *, concentration: float, generator: torch.Generator
) -> Tensor:
    """a ~ Dirichlet(c, …, c), (count, units), rows on the simplex."""
    alpha = torch.full((count, units), concentration, dtype=torch.float64, device=generator.device)
    gammas: Tensor = torch._standard_gamma(alpha, generator=generator)
    shares = gammas.clamp_min(torch.finfo(torch.float64).tiny)  # Of a small c all may be 0.
    return (shares / shares.sum(dim=1, keepdim=True)).to(torch.get_default_dtype())


def units_from_codes(
    codes: npt.NDArray[np.floating[Any]], units: int, *, std: float, seed: int
) -> npt.NDArray[np.float64]:
    """Centres of codes (N, d) by k-means, (units, d), moved apart from their mean until their
    spread is std·√d, as of N(0, std²). With fewer different codes than units the others are drawn
    around that mean. TrainingDiverged where codes are not finite.
    """
    if not np.isfinite(codes).all():
        raise TrainingDiverged(
            "the codes that the memory was to start from are not finite; lower the learning rate"
        )
    from sklearn.cluster import KMeans

    points = np.asarray(codes, dtype=np.float64)
    dim = points.shape[1]
    random = np.random.default_rng(seed)
    centres = np.unique(points, axis=0)
    if len(centres) > units:
        state = int(random.integers(2**32))
        centres = KMeans(units, n_init=1, random_state=state).fit(points).cluster_centers_
    middle = centres.mean(axis=0)
    apart = centres - middle
    spread = math.sqrt(float((apart**2).sum(axis=1).mean()))
    if spread > 0:
        apart *= std * math.sqrt(dim) / spread
    others = random.normal(0, std, (units - len(apart), dim))
    found: npt.NDArray[np.float64] = middle + np.concatenate([apart, others])
    return found


class Memory(nn.Module):
    """n units of d values as one parameter, (n, d), so that it is saved and moved with the nets."""

    def __init__(self, units: int, dim: int) -> None:
        super().__init__()
        self.units = nn.Parameter(torch.empty(units, dim))
