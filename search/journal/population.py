"""Population-based training as pure functions: who takes over from whom, and with which values.

Ray's own keeps the population in its driver's memory, takes no searcher, and lets values wander
out of their ranges. Here a generation follows from only the study's seed and journal, so that a
population that was killed goes on as it would have.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memgan.config import parameters_type
from search.study import Pbt, Space


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


_DRAWS = 20
"""Explorations of a place before every place is looked at."""
_PLACES = 1000
"""Free points of a finite space that one is chosen from."""


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
    """The trials that give way after `epoch` epochs, and what they go on with.

    No two members train the same from here on: where all that a trial could take over is some
    member's already, as in a small finite space, it keeps its own.
    """
    random = np.random.default_rng([seed, epoch])
    ranked = sorted(members, key=lambda member: (member.score, member.trial_id))
    few = min(math.ceil(len(ranked) * options.quantile), len(ranked) // 2)
    heirs = {}
    taken = {member.trial_id: [member.lineage[-1].values] for member in ranked}
    for loser in ranked[:few]:
        source = ranked[-1 - random.integers(few)]
        before = source.lineage[-1].values
        values = _new(before, taken[source.trial_id], space, options, random)
        if values is None:
            continue
        taken[source.trial_id].append(values)
        lineage = (*source.lineage, Stage(epoch + 1, values))
        heirs[loser.trial_id] = Heir(source.trial_id, source.checkpoint, lineage)
    return heirs


def _new(
    values: Mapping[str, Any],
    taken: Sequence[Mapping[str, Any]],
    space: Space,
    options: Pbt,
    random: np.random.Generator,
) -> dict[str, Any] | None:
    """Where `values` may go that is not taken; None where there is no such place."""
    for _ in range(_DRAWS):
        explored = _explore(values, space, options, random)
        if explored not in taken:
            return explored
    changing = mutable(options, space)
    if any(space[name].all_values() is None for name in changing):
        return None
    places = (p for p in _places(list(space), {}, values, space, changing) if p not in taken)
    free = list(itertools.islice(places, _PLACES))
    return free[random.integers(len(free))] if free else None


def _places(
    names: Sequence[str],
    chosen: dict[str, Any],
    values: Mapping[str, Any],
    space: Space,
    changing: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """All that `_explore` can make of `values` in a finite space; chosen: of names before."""
    if not names:
        yield chosen
        return
    name, *rest = names
    if name not in changing:
        found = [{name: values[name]} if name in values else {}]
    elif space.holds(name, chosen):
        found = [{name: value} for value in space[name].all_values() or ()]
    else:
        found = [{}]
    for value in found:
        yield from _places(rest, {**chosen, **value}, values, space, changing)


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
