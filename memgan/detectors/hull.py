"""The convex hull of memory units: how far codes lie from it (Theorem 2, Prop. 1, Fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def nearest_in_hull(points: Tensor, vertices: Tensor, *, steps: int = 500) -> Tensor:
    """The point of the hull of `vertices` (n, d) nearest to each of `points` (B, d), (B, d).

    min over the simplex of ‖Vᵀa − x‖ by accelerated projected gradients; the error falls with
    the square of `steps`.
    """
    gram = vertices @ vertices.T
    step = 1.0 / torch.linalg.eigvalsh(gram)[-1].clamp_min(1e-12)
    target = points @ vertices.T
    weights = torch.full((len(points), len(vertices)), 1.0 / len(vertices)).to(points)
    ahead, momentum = weights, 1.0
    for _ in range(steps):
        following = project_to_simplex(ahead - step * (ahead @ gram - target))
        new_momentum = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = following + (momentum - 1) / new_momentum * (following - weights)
        weights, momentum = following, new_momentum
    return weights @ vertices


def project_to_simplex(values: Tensor) -> Tensor:
    """The nearest point of the probability simplex to each row of (B, n)."""
    ordered = values.sort(dim=1, descending=True).values
    excess = ordered.cumsum(dim=1) - 1
    ranks = torch.arange(1, values.shape[1] + 1, device=values.device)
    kept = (ordered * ranks > excess).sum(dim=1, keepdim=True)
    return (values - excess.gather(1, kept - 1) / kept).clamp_min(0)


def distance_to_hull(points: Tensor, vertices: Tensor, *, steps: int = 500) -> Tensor:
    """min over the simplex of ‖Vᵀa − x‖₂ for each of `points` (B, d), (B,).

    Differentiable in `points`: the gradient of a distance needs the nearest point alone.
    """
    nearest = nearest_in_hull(points.detach(), vertices.detach(), steps=steps)
    lengths: Tensor = torch.linalg.vector_norm(points - nearest, dim=1)
    return lengths


def hull_loss(sampled: Tensor, vertices: Tensor, *, weight: float, steps: int = 50) -> Tensor:
    """What sampled codes (B, d) pay for leaving the hull of the data's `vertices` (n, d).

    Stands in for the indicator of Eq. 9, which has no gradient.
    """
    return weight * distance_to_hull(sampled, vertices, steps=steps).mean()
