"""Configurations that a study tries first: named ones, those a user writes down, here or in a
file, and the best of earlier studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memgan.config import flatten, make_parameters
from memgan.errors import ConfigError, unknown_name
from search.study.space import Space

NAMED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    # What the MEMGAN paper states for MNIST; what it leaves open stays at our defaults.
    "memgan": {
        "paper": {"learning_rate": 1e-4, "memory_units": 50, "memory_dim": 64},
        "recipe": {},
    },
    # Those of the others as their own papers or public code have them, for colour images of 32×32.
    "ama": {
        "paper": {
            "epochs": 100,
            "batch_size": 256,
            "learning_rate": 3e-4,
            "width": 64,
            "critic_width": 128,
            "code_dim": 128,
            "simplex_trains_generator": False,
        },
        "recipe": {},
    },
    "alad": {"paper": {"epochs": 100, "width": 128}, "recipe": {}},
    "anogan": {
        "paper": {"epochs": 100, "width": 128, "search": "steps", "search_steps": 500},
        "recipe": {},
    },
    "dagmm": {"paper": {"epochs": 200, "width": 64}, "recipe": {}},
    "dsebm": {"paper": {"epochs": 200, "width": 64, "activation": "relu"}, "recipe": {}},
}
"""By detector and name; a "recipe" is the detector's defaults."""


def start_points(
    space: Space, start_from: Sequence[str | Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Each starting configuration as Optuna stores it; the sampler completes what is absent.

    Of a named configuration only what the space holds is taken. Files and earlier studies are
    passed over, see `search.journal.settle_starts`. ConfigError where a written one lies outside
    the space, UnknownName for a name that is not known.
    """
    return [
        checked_point(space, start, f"start_from.{place}")
        for place, start in enumerate(start_from)
        if not is_elsewhere(start)
    ]


def is_elsewhere(start: str | Mapping[str, Any]) -> bool:
    """Whether a start names a file or an earlier study."""
    return start.endswith((".yaml", ".yml")) if isinstance(start, str) else "study" in start


def checked_point(space: Space, start: str | Mapping[str, Any], where: str) -> dict[str, Any]:
    """One start as Optuna stores it. ConfigError where it lies outside the space."""
    if isinstance(start, str):
        known = NAMED.get(space.detector, {})
        if start not in known:
            raise unknown_name("starting configuration", start, known)
        parameters = make_parameters(space.detector, known[start], f"start_from.{start}")
        return space.encode(flatten(parameters))
    for name, value in start.items():
        if name not in space:
            raise ConfigError(f"{where}.{name}: is not searched; known: {', '.join(space)}")
        if space[name].encode(name, value) is None:
            raise ConfigError(f"{where}.{name}: {value!r} lies outside the space of {name}")
    return space.encode(start)
