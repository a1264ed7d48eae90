"""Measures of a memory and a game at work, each a pure function of what a detector made of a few
training images (`memgan.detectors.Look`).

N: images, n: memory units, d: length of a code. A spread is the root of the mean squared distance
from the mean.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from memgan.analysis import exact_distance_to_hull
from memgan.data import Pixels
from memgan.detectors import GameLook, Look, MemoryLook
from memgan.health.known_measures import MEASURES

_MOST = 256
_MOST_PIXELS, _LEAST = 2**20, 4
"""Of all images that are looked at together, each channel by itself, and yet so many images."""
_SHARE = 10
"""One training image in so many is looked at, so that a look costs little of an epoch."""
_FEWEST = 16
_IN_HULL, _LONG = 32, 100
"""So many codes are placed against the hull, where so many images at least are looked at: then an
epoch is long, and the hull costs little of it."""
_TINY = 1e-12


def few_of(images: Pixels) -> Pixels:
    """The training images that are looked at each epoch, the same always: evenly spaced, a tenth
    of them, between 16 and 256 (all where there are fewer), and of large ones as few as four."""
    most = max(_LEAST, min(_MOST, _MOST_PIXELS // math.prod(images.shape[1:])))
    count = min(len(images), most, max(_FEWEST, len(images) // _SHARE))
    few: Pixels = images[np.linspace(0, len(images) - 1, count).astype(int)]
    return few


@torch.no_grad()
def measure(look: Look) -> dict[str, float]:
    """All measures of a look that can be taken, in the order of `MEASURES`; one that is not finite
    is left out."""
    found = {}
    if look.rebuilt is not None:
        found["residual"] = residual_share(look.images, look.rebuilt)
        found["rebuilt_spread"] = _share(spread(look.rebuilt), spread(look.images))
    if look.memory:
        found |= _of_memory(look.memory)
    if look.game:
        found |= _of_game(look.game)
    names = [name for name in MEASURES if name in found]
    values = torch.stack([found[name].to(torch.float64) for name in names]).tolist()
    return {name: v for name, v in zip(names, values, strict=True) if math.isfinite(v)}


def _of_memory(memory: MemoryLook) -> dict[str, Tensor]:
    units, start = memory.units, memory.start
    count = len(units)
    found = {
        "address_perplexity": perplexity(memory.addresses).mean() / count,
        "address_usage": perplexity(memory.addresses.mean(dim=0, keepdim=True)).mean() / count,
        "unit_movement": movement(units, start),
        "unit_distance": nearest_other(units).mean() / nearest_other(start).mean(),
        "unit_spread": spread(units),
        "code_spread": spread(memory.codes),
    }
    if memory.sampled is not None and memory.recovered is not None:
        found["sample_perplexity"] = perplexity(memory.sampled).mean() / count
        found["mutual_information"] = information_share(memory.sampled, memory.recovered)
    placed = memory.codes[:_IN_HULL]
    # With fewer units the hull has no inside.
    if count > units.shape[1] + 1 and len(memory.codes) >= _LONG and placed.isfinite().all():
        found["in_hull"] = share_in_hull(placed, units)
    return found


def _of_game(game: GameLook) -> dict[str, Tensor]:
    encoded = share_above_zero(game.encoded_logits)
    generated = share_above_zero(-game.generated_logits)
    found = {
        "d_on_encoded": encoded,
        "d_on_generated": generated,
        "d_accuracy": (encoded + generated) / 2,
    }
    if game.codes is not None:
        found["code_spread"] = spread(game.codes)
    if game.samples is not None:
        found["sample_spread"] = spread(game.samples)
    return found


def perplexity(addresses: Tensor) -> Tensor:
    """exp of the entropy of each row of (N, n), each brought to a sum of 1: 1 for a single unit, n
    for an even address; (N,). A row of zeros gives 1."""
    shares = F.normalize(addresses, p=1, dim=1)
    counts: Tensor = torch.special.entr(shares).sum(dim=1).exp()
    return counts


def spread(points: Tensor) -> Tensor:
    """Root of the mean squared distance of points (N, …) from their mean."""
    rows = points.flatten(1).to(torch.float64)  # In fewer digits images that are alike have one.
    squared: Tensor = (rows - rows.mean(dim=0)).square().sum(dim=1).mean()
    return squared.sqrt()


def movement(units: Tensor, start: Tensor) -> Tensor:
    """Mean distance of units (n, d) from their start, over the mean length of a unit then; NaN
    where that is 0."""
    moved: Tensor = torch.linalg.vector_norm(units - start, dim=1).mean()
    length: Tensor = torch.linalg.vector_norm(start, dim=1).mean()
    return _share(moved, length)


def nearest_other(units: Tensor) -> Tensor:
    """Distance of each of (n, d), n at least 2, to the nearest other, (n,)."""
    apart: Tensor = torch.cdist(units, units, compute_mode="donot_use_mm_for_euclid_dist")
    return apart.fill_diagonal_(math.inf).min(dim=1).values


def information_share(sampled: Tensor, recovered: Tensor) -> Tensor:
    """Eq. 7 of addresses (N, n) and the logits of those found again, over ln n. 1 where what is
    found again is even and so tells nothing."""
    loss = -(sampled * F.log_softmax(recovered, dim=1)).sum(dim=1).mean()
    return loss / math.log(sampled.shape[1])


def share_above_zero(logits: Tensor) -> Tensor:
    """Share of logits (N,) above 0; one at 0 counts half, as D is undecided there."""
    return (0.5 * (logits.sign() + 1)).mean()


def residual_share(images: Tensor, rebuilt: Tensor) -> Tensor:
    """Mean distance of images (N, …) to what is rebuilt, over their mean distance to the mean
    image: 1 or more where the mean image would rebuild as well. NaN where all images are alike."""
    left: Tensor = torch.linalg.vector_norm((images - rebuilt).flatten(1), dim=1).mean()
    rows = images.flatten(1).to(torch.float64)
    from_mean: Tensor = torch.linalg.vector_norm(rows - rows.mean(dim=0), dim=1).mean()
    return _share(left, from_mean)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > _TINY, part / whole, math.nan)


def share_in_hull(codes: Tensor, units: Tensor) -> Tensor:
    """Share of codes (N, d) within a hundredth of the hull's size of the hull of units (n, d)."""
    centre = units.mean(dim=0)
    size = torch.linalg.vector_norm(units - centre, dim=1).max()
    found = exact_distance_to_hull(codes, units, tolerance=1e-2, most_rounds=5)
    inside: Tensor = found.distance <= 1e-2 * size
    return inside.to(codes.dtype).mean()
