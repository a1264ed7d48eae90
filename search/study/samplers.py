"""Optuna's samplers by name, each with its own typed options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from memgan.config import Frozen, parse
from memgan.errors import ConfigError, unknown_name


class Sampler(Frozen):
    """What every sampler has."""

    name: str
    """The sampler's name."""
    seed: int | None = Field(None, ge=0)
    """None takes the study's."""


class _WithStartUp(Sampler):
    startup_trials: int | None = Field(None, ge=1)
    """Random trials before the model is used; None is ten, but at most a third of the budget."""

    def startup(self, trials: int) -> int:
        """The start-up trials of a budget of `trials`."""
        return self.startup_trials or max(1, min(10, trials // 3))


class Tpe(_WithStartUp):
    """Tree-structured Parzen estimator: good from few trials, any kind of space."""

    name: Literal["tpe"] = "tpe"
    multivariate: bool = True
    """Model parameters together rather than one by one."""
    constant_liar: bool = True
    """Counts running trials as poor ones, so that trials at once do not repeat each other."""


class Gp(_WithStartUp):
    """Gaussian process: strong on few, mostly numeric parameters; slower to suggest."""

    name: Literal["gp"] = "gp"


class CmaEs(_WithStartUp):
    """CMA-ES: numeric parameters alone, many trials."""

    name: Literal["cmaes"] = "cmaes"


class Qmc(Sampler):
    """Quasi-random points: even cover, no learning."""

    name: Literal["qmc"] = "qmc"
    scramble: bool = True
    """Shuffle the sequence by the seed."""


class Nsga2(Sampler):
    """Genetic search; may propose a configuration twice."""

    name: Literal["nsga2"] = "nsga2"
    population: int | None = Field(None, ge=2)
    """None is a third of the budget, at most 50."""


class Random(Sampler):
    """Independent random points."""

    name: Literal["random"] = "random"


SAMPLERS: Mapping[str, type[Sampler]] = {
    "tpe": Tpe,
    "gp": Gp,
    "cmaes": CmaEs,
    "qmc": Qmc,
    "nsga2": Nsga2,
    "random": Random,
}


def make_sampler(raw: Any) -> Sampler:
    """A sampler as written in a study file: its name, or a mapping with `name` and options.

    UnknownName or ConfigError say what is allowed.
    """
    if isinstance(raw, Sampler):
        return raw
    options = {"name": raw} if isinstance(raw, str) else raw
    if not isinstance(options, Mapping):
        raise ConfigError(f"sampler: expected a name or a mapping with a name, got {raw!r}")
    name = options.get("name", "tpe")
    if name not in SAMPLERS:
        raise unknown_name("sampler", str(name), SAMPLERS)
    return parse(SAMPLERS[name], options, "sampler")
