"""The losses of MEMGAN, one pure function each, beside its equation. All are means over a batch.

D(x, z) enters as its logit l, so that log D = logsigmoid(l) and log(1 − D) = logsigmoid(−l).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def distance(first: Tensor, second: Tensor) -> Tensor:
    """‖first − second‖₂ of each image or code, (B,); not squared."""
    lengths: Tensor = torch.linalg.vector_norm((first - second).flatten(1), dim=1)
    return lengths


def squared_distance(first: Tensor, second: Tensor) -> Tensor:
    """‖first − second‖² of each image or code, (B,)."""
    return ((first - second) ** 2).flatten(1).sum(dim=1)


def cycle_loss(images: Tensor, rebuilt: Tensor) -> Tensor:
    """‖x − G(P(E(x)))‖₂ (Eq. 4). images, rebuilt: (B, C, H, W)."""
    return distance(images, rebuilt).mean()


def projection_loss(codes: Tensor, projected: Tensor) -> Tensor:
    """‖E(x) − P(E(x))‖₂ (Eq. 6). codes, projected: (B, d)."""
    return distance(codes, projected).mean()


def mutual_information_loss(addresses: Tensor, recovered_logits: Tensor) -> Tensor:
    """−Σᵢ aᵢ log a′ᵢ with a′ = softmax(M E(G(z))) (Eq. 7).

    addresses: a, (B, n), rows on the simplex. recovered_logits: M E(G(z)), (B, n).
    """
    return -(addresses * F.log_softmax(recovered_logits, dim=1)).sum(dim=1).mean()


def discriminator_loss(
    encoded_logits: Tensor, generated_logits: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """−log D(x, E(x)) − log(1 − D(G(z), z)) (Eq. 3, D's side). Logits: (B,).

    smoothing: s makes the first term −(1 − s) log D(x, E(x)) − s log(1 − D(x, E(x))).
    """
    if smoothing:
        real = (1 - smoothing) * F.logsigmoid(encoded_logits)
        real = real + smoothing * F.logsigmoid(-encoded_logits)
        return -(real + F.logsigmoid(-generated_logits)).mean()
    return -(F.logsigmoid(encoded_logits) + F.logsigmoid(-generated_logits)).mean()


def encoder_game_loss(encoded_logits: Tensor) -> Tensor:
    """log D(x, E(x)) (Eq. 3, E's side, saturating, as the paper prints it). Logits: (B,)."""
    return F.logsigmoid(encoded_logits).mean()


def encoder_game_loss_non_saturating(encoded_logits: Tensor) -> Tensor:
    """−log(1 − D(x, E(x))): the same aim with a gradient where D is sure. Logits: (B,)."""
    return -F.logsigmoid(-encoded_logits).mean()


def generator_game_loss(generated_logits: Tensor) -> Tensor:
    """−log D(G(z), z) (Eq. 3, G's side, non-saturating). Logits: (B,)."""
    return -F.logsigmoid(generated_logits).mean()
