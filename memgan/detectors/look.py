"""What a detector makes of a few images: what its health is measured on (`memgan.health`).

All tensors lie on the detector's device and carry no gradients. N: images, n: memory units,
d: length of a code.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class MemoryLook:
    """A memory at work."""

    codes: Tensor
    """E(x), (N, d)."""
    addresses: Tensor
    """α of the codes, (N, n), rows on the simplex; a row of zeros addresses nothing."""
    units: Tensor
    """The memory as it is, (n, d)."""
    start: Tensor
    """The memory as its training found it, (n, d)."""
    sampled: Tensor | None = None
    """Addresses a that codes were sampled with, (N, n); None where no codes are sampled."""
    recovered: Tensor | None = None
    """Logits of a′, the addresses found again from G(z), (N, n); None likewise."""


@dataclass(frozen=True, eq=False)
class GameLook:
    """A game between encoder, generator and discriminator."""

    codes: Tensor | None
    """E(x), (N, d); None of a game without an encoder."""
    samples: Tensor | None
    """z, (N, d); None where no codes are sampled."""
    encoded_logits: Tensor
    """D(x, E(x)), or D of real images or pairs, (N,); above 0 D is right."""
    generated_logits: Tensor
    """D(G(z), z), or D of made ones, (N,); below 0 D is right."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the parts of a detector make of images, as they would in a step of training."""

    images: Tensor
    """As the networks see them, (N, C, H, W), or their vectors, (N, p)."""
    rebuilt: Tensor | None
    """Of the same shape; None where that would take too long."""
    memory: MemoryLook | None = None
    """None of a detector without a memory."""
    game: GameLook | None = None
    """None of a detector without a game."""
