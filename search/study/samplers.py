"""Samplers by name, each with its own typed options: Optuna's, and those of plug-ins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from memgan.config import Frozen, parse
from memgan.errors import ConfigError
from memgan.plugins import PluginPoint

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Sampler(Frozen):
    """What every sampler has."""

    name: str
    """The sampler's name."""
    seed: int | None = Field(None, ge=0)
    """The seed of the sampler; None takes the study's seed."""


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
    """Model the parameters together and not one by one."""
    constant_liar: bool = True
    """Counts running trials as poor ones, so that trials at once do not repeat each other."""


class Gp(_WithStartUp):
    """Gaussian process: strong on few, mostly numeric parameters; slower to suggest."""

    name: Literal["gp"] = "gp"


class CmaEs(_WithStartUp):
    """CMA-ES: for numeric parameters only, and many trials."""

    name: Literal["cmaes"] = "cmaes"


class Qmc(Sampler):
    """Quasi-random points, which cover the space evenly and learn nothing."""

    name: Literal["qmc"] = "qmc"
    scramble: bool = True
    """Shuffle the sequence by the seed."""


class Nsga2(Sampler):
    """Genetic search. It may propose a configuration twice."""

    name: Literal["nsga2"] = "nsga2"
    population: int | None = Field(None, ge=2)
    """The size of a generation; None is a third of the budget, at most 50."""


class Random(Sampler):
    """Independent random points."""

    name: Literal["random"] = "random"


class PluginSampler(Sampler):
    """The base of a sampler of another package; its fields are its options, each with a default.

    An entry point of the group `search.samplers` leads to the subclass, under the name that its
    field `name` has.
    """

    SEVERAL_OBJECTIVES: ClassVar[bool] = False
    """Whether it can search for more than one objective."""

    def build(self, *, seed: int, number: int, trials: int) -> BaseSampler:
        """The Optuna sampler that suggests trial `number`, from 0 on, of a study of `trials`.

        seed: another one for each trial, so that a study that was cut off goes on as if it had
        not been. A new one is built for every trial; what it must know, Optuna's study tells it.
        """
        raise NotImplementedError


SAMPLERS: Mapping[str, type[Sampler]] = {
    "tpe": Tpe,
    "gp": Gp,
    "cmaes": CmaEs,
    "qmc": Qmc,
    "nsga2": Nsga2,
    "random": Random,
}


def _checked(name: str, found: object) -> type[PluginSampler]:
    if not (isinstance(found, type) and issubclass(found, PluginSampler)):
        raise TypeError(
            f"its entry point leads to {getattr(found, '__name__', type(found).__name__)}, and"
            " must lead to a subclass of search.study.PluginSampler"
        )
    if found.build is PluginSampler.build:
        raise TypeError(f"{found.__name__} has no method build")
    found.model_validate({"name": name})  # All options have defaults.
    return found


SAMPLER_PLUGINS = PluginPoint("sampler", "search.samplers", _checked)


def sampler_names() -> list[str]:
    """The names of all samplers: those built in, then those of plug-ins."""
    return [*SAMPLERS, *(name for name in SAMPLER_PLUGINS.names() if name not in SAMPLERS)]


def sampler_package(sampler: str) -> dict[str, str]:
    """The package that a plug-in's sampler comes from, with its version; {} of ours."""
    return {} if sampler in SAMPLERS else SAMPLER_PLUGINS.version_of(sampler)


def make_sampler(raw: Any) -> Sampler:
    """A sampler as written in a study file: its name, or a mapping with `name` and options.

    UnknownName or ConfigError say what is allowed; PluginFailed, what is wrong with a plug-in.
    """
    if isinstance(raw, Sampler):
        return raw
    options = {"name": raw} if isinstance(raw, str) else raw
    if not isinstance(options, Mapping):
        raise ConfigError(f"sampler: expected a name or a mapping with a name, got {raw!r}")
    name = options.get("name", "tpe")
    kind = (SAMPLERS.get(name) if isinstance(name, str) else None) or SAMPLER_PLUGINS.find(name)
    if kind is None:
        raise SAMPLER_PLUGINS.unknown(name, sampler_names())
    return parse(kind, {**options, "name": name}, "sampler")
