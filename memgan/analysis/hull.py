"""The convex hull of memory units: how far codes lie from it (Theorem 2, Prop. 1, Fig. 2).

Twice: `distance_to_hull` in a fixed number of steps, for gradients in training, and
`exact_distance_to_hull` with bounds, for figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_STEPS = 20
"""Pairwise steps between two looks at which points are done."""
_RIDGE = 1e-14
_TINY = 1e-300


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

    Differentiable in `points`: the gradient of a distance needs only the nearest point.
    """
    nearest = nearest_in_hull(points.detach(), vertices.detach(), steps=steps)
    lengths: Tensor = torch.linalg.vector_norm(points - nearest, dim=1)
    return lengths


def hull_loss(sampled: Tensor, vertices: Tensor, *, weight: float, steps: int = 50) -> Tensor:
    """What sampled codes (B, d) pay for leaving the hull of the data's `vertices` (n, d).

    Stands in for the indicator of Eq. 9, which has no gradient.
    """
    return weight * distance_to_hull(sampled, vertices, steps=steps).mean()


@dataclass(frozen=True)
class HullDistance:
    """Distances to a hull, (B,) each, and what is certain of them."""

    distance: Tensor
    """From each point to a point of the hull: never less than the true distance."""
    at_least: Tensor
    """Never more than the true distance, from a plane that has the whole hull on one side."""


@torch.no_grad()
def exact_distance_to_hull(
    points: Tensor, vertices: Tensor, *, tolerance: float = 1e-6, most_rounds: int = 1000
) -> HullDistance:
    """min over the simplex of ‖Vᵀa − x‖₂ for each of `points` (B, d), in float64, with bounds.

    Pairwise Frank-Wolfe steps, all points at once, and now and then the best point of the face
    that they have reached, until the two bounds agree to `tolerance` of the distance, or the
    distance is below `tolerance` of the hull's size (the point is then inside). The bounds hold
    as well where `most_rounds` end it sooner.
    """
    points, vertices = points.double(), vertices.double()
    origin = vertices.mean(dim=0)  # Near the origin products lose fewest digits.
    points, vertices = points - origin, vertices - origin
    size = torch.linalg.vector_norm(vertices, dim=1).max()
    gram, towards = vertices @ vertices.T, points @ vertices.T
    distance = points.new_empty(len(points))
    at_least = torch.empty_like(distance)
    left = torch.arange(len(points), device=points.device)
    start = (gram.diagonal() - 2 * towards).argmin(dim=1)
    weights = torch.nn.functional.one_hot(start, len(vertices)).double()
    for _ in range(most_rounds):
        # Straight from the weights, as rounding adds up in what is only ever updated.
        slopes = weights @ gram - towards
        length = torch.linalg.vector_norm(points[left] - weights @ vertices, dim=1)
        gap = (weights * slopes).sum(dim=1) - slopes.min(dim=1).values
        distance[left] = length
        at_least[left] = (length - gap / length.clamp_min(_TINY)).clamp_min(0)
        going = (gap > tolerance * length**2) & (length > tolerance * size)
        if not going.any():
            break
        left, weights = left[going], weights[going]
        towards, slopes = towards[going], slopes[going]
        weights = _to_best_of_face(_pairwise_steps(weights, slopes, gram), points[left], vertices)
    return HullDistance(distance, at_least)


def _pairwise_steps(weights: Tensor, slopes: Tensor, gram: Tensor) -> Tensor:
    """Some steps that each move weight from the worst vertex in use to the best of all, (B, n)."""
    rows = torch.arange(len(weights), device=weights.device)
    for _ in range(_STEPS):
        best = slopes.argmin(dim=1)
        worst = slopes.masked_fill(weights <= 0, -torch.inf).argmax(dim=1)
        drop = slopes[rows, worst] - slopes[rows, best]
        curve = gram[best, best] + gram[worst, worst] - 2 * gram[best, worst]
        moved = torch.minimum(drop / curve.clamp_min(_TINY), weights[rows, worst])
        weights[rows, best] += moved
        weights[rows, worst] -= moved
        slopes += moved[:, None] * (gram[best] - gram[worst])
    return weights


def _to_best_of_face(weights: Tensor, points: Tensor, vertices: Tensor) -> Tensor:
    """From each row of weights (B, n) straight to the best point of the plane through its vertices
    in use, or as far as no weight turns negative (Wolfe's nearest-point algorithm)."""
    used = int((weights > 0).sum(dim=1).max())
    now, chosen = weights.topk(used, dim=1)
    arms = vertices[chosen] - points[:, None]
    products = arms @ arms.mT
    scale = products.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    unused = now <= 0
    products = products + scale * (1 + _RIDGE * torch.eye(used).to(products))
    products = products.masked_fill(unused[:, :, None] | unused[:, None, :], 0.0)
    products.diagonal(dim1=1, dim2=2).add_(torch.where(unused, scale[:, 0], 0.0))
    solved, _ = torch.linalg.solve_ex(products, (~unused).to(products))
    target = solved / solved.sum(dim=1, keepdim=True)
    outwards = target < 0
    reach = torch.where(outwards, now / (now - target).clamp_min(_TINY), 1.0)
    part = reach.min(dim=1, keepdim=True).values
    moved = now + part * (target - now)
    moved = moved.masked_fill(outwards & (reach <= part), 0.0).clamp_min(0)
    moved = moved / moved.sum(dim=1, keepdim=True)
    # A face without extent cannot be solved; there only the steps go on.
    nearer = _length(moved, arms) <= _length(now, arms)
    return torch.zeros_like(weights).scatter(1, chosen, torch.where(nearer, moved, now))


def _length(weights: Tensor, arms: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(weights[:, None] @ arms, dim=2)
    return lengths
