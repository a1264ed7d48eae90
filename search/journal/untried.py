"""Points of a finite space that no trial had yet, and a sampler that proposes no others.

The same point trains to the same figure, so a repeated one is a trial for nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.study import INDEX_SUFFIX, Ordered, Range, Space


class Untried:
    """What is left of a space beside the points that were tried."""

    def __init__(self, space: Space, tried: Iterable[Mapping[str, Any]]) -> None:
        self._space = space
        found = (self._key(point) for point in tried if space.contains(point))
        self._tried = set(found)

    @property
    def tried(self) -> int:
        """How many different points of the space were tried."""
        return len(self._tried)

    def holds(self, prefix: Mapping[str, Any]) -> bool:
        """Whether some point with these values was not tried yet."""
        wanted = self._key(prefix)
        used = sum(wanted <= point for point in self._tried)
        points = self._space.points(prefix)
        return next(itertools.islice(points, used, None), None) is not None

    def _key(self, values: Mapping[str, Any]) -> frozenset[tuple[str, Hashable]]:
        return frozenset((name, self._place(name, value)) for name, value in values.items())

    def _place(self, name: str, value: Any) -> Hashable:
        entry = self._space.get(name)
        if isinstance(entry, Range) and entry.step is not None:
            steps: int = round((value - entry.low) / entry.step)
            return steps
        place: Hashable = value
        return place


class WithoutRepeats(BaseSampler):
    """Another sampler, whose proposals are changed where they would end at a point that was
    tried: the parameter after which nothing else is left takes another value at random."""

    def __init__(self, sampler: BaseSampler, space: Space, untried: Untried, seed: int) -> None:
        self._sampler = sampler
        self._space = space
        self._untried = untried
        self._random = np.random.default_rng(seed)
        self._proposed: dict[str, Any] = {}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        self._proposed = dict(self._sampler.sample_relative(study, trial, search_space))
        return {}  # Each is looked at in its turn, when those before it are settled.

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        proposed = self._proposed.get(param_name)
        if proposed is None or not param_distribution._contains(
            param_distribution.to_internal_repr(proposed)
        ):
            proposed = self._sampler.sample_independent(
                study, trial, param_name, param_distribution
            )
        before = decoded(self._space, trial.params)
        (name, value), *_ = decoded(self._space, {param_name: proposed}).items()
        if self._untried.holds({**before, name: value}):
            return proposed
        entry = self._space[name]
        left = [v for v in entry.all_values() or () if self._untried.holds({**before, name: v})]
        if not left:
            return proposed
        chosen = left[self._random.integers(len(left))]
        return (entry.encode(name, chosen) or {})[param_name]

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._sampler.before_trial(study, trial)

    def after_trial(self, *arguments: Any, **named: Any) -> None:
        self._sampler.after_trial(*arguments, **named)


def decoded(space: Space, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Values by parameter, from what Optuna stores; those of no parameter are left out."""
    found = {}
    for key, value in stored.items():
        name = key.removesuffix(INDEX_SUFFIX)
        entry = space.get(name)
        if entry is not None:
            found[name] = entry.values[value] if isinstance(entry, Ordered) else value
    return found


def untried(space: Space, trials: Iterable[FrozenTrial]) -> Untried:
    """What the trials of a study leave."""
    return Untried(space, (t.user_attrs["values"] for t in trials if "values" in t.user_attrs))


def passed_over(trial: FrozenTrial) -> bool:
    """Whether a starting configuration was given up, as all that it could become was tried."""
    return trial.state == TrialState.FAIL and "values" not in trial.user_attrs


def different(points: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each point once."""
    seen: list[dict[str, Any]] = []
    for point in points:
        if point not in seen:
            seen.append(point)
            yield point
