"""Population-based training as pure functions: who takes over from whom, and with which values.

Ray's own keeps the population in its driver's memory, takes no searcher, and lets values wander
out of their ranges. Here a generation follows from the study's seed and journal alone, so that a
population that was killed goes on as it would have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memgan.parameters import parameters_type
from search.scheduler import Pbt
from search.space import Space


@dataclass(frozen=True)
class Stage:
    """Values of a trial from one epoch on."""

    epoch: int
    """The first epoch that is trained with them, 1 for a trial's own start."""
    values: dict[str, Any]
    """The point of the space."""


Lineage = tuple[Stage, ...]
"""All that made a trial's weights, from their first epoch on: stages of others that it took over
from, then its own."""


@dataclass(frozen=True)
class Member:
    """A trial at the end of a generation."""

    trial_id: str
    score: float
    """The objective, maximised."""
    lineage: Lineage
    checkpoint: str


@dataclass(frozen=True)
class Heir:
    """What a trial goes on with that gave way."""

    source: str
    """The trial whose weights it has now."""
    checkpoint: str
    lineage: Lineage


def goal_after(epoch: int, *, interval: int, epochs: int) -> int:
    """The epoch at which the generation ends that a trial of `epoch` epochs is in."""
    return min(epochs, (epoch // interval + 1) * interval)


def mutable(options: Pbt, space: Space) -> tuple[str, ...]:
    """The searched parameters that change in training."""
    allowed = parameters_type(space.detector).CHANGEABLE
    if options.mutate is not None:
        return options.mutate
    return tuple(name for name in space if name.partition(".")[0] in allowed)


def next_generation(
    members: Sequence[Member], space: Space, options: Pbt, *, epoch: int, seed: int
) -> dict[str, Heir]:
    """The trials that give way after `epoch` epochs, and what they go on with."""
    random = np.random.default_rng([seed, epoch])
    ranked = sorted(members, key=lambda member: (member.score, member.trial_id))
    few = min(math.ceil(len(ranked) * options.quantile), len(ranked) // 2)
    heirs = {}
    for loser in ranked[:few]:
        source = ranked[-1 - random.integers(few)]
        values = _explore(source.lineage[-1].values, space, options, random)
        lineage = (*source.lineage, Stage(epoch + 1, values))
        heirs[loser.trial_id] = Heir(source.trial_id, source.checkpoint, lineage)
    return heirs


def _explore(
    values: Mapping[str, Any],
    space: Space,
    options: Pbt,
    random: np.random.Generator,
) -> dict[str, Any]:
    changing = mutable(options, space)
    chosen: dict[str, Any] = {}
    for name, entry in space.items():
        if name not in changing:
            # It passes on with the weights as it is, whatever becomes of its conditions.
            chosen.update({name: values[name]} if name in values else {})
        elif space.holds(name, chosen):
            if name not in values or random.random() < options.resample_probability:
                chosen[name] = entry.draw(random)
            else:
                factor = options.factors[random.integers(2)]
                chosen[name] = entry.near(values[name], factor, random)
    return chosen
