"""Optuna's samplers, built from what a study says of its sampler."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from search.journal.constraint_notes import noted_excesses
from search.journal.flat_tpe import FlatTpe
from search.study import SAMPLER_PLUGINS, CmaEs, Gp, Nsga2, PluginSampler, Qmc, Sampler, Tpe

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.search_space import IntersectionSearchSpace


# Each of the seven says something else of the trial that is suggested.
def build_sampler(
    sampler: Sampler,
    *,
    seed: int,
    number: int,
    trials: int,
    conditional: bool,
    shared_space: IntersectionSearchSpace | None = None,
    constrained: bool = False,
) -> BaseSampler:
    """The Optuna sampler that suggests trial `number` of a study of `trials`.

    Its randomness comes only from the seed and the number, so that a search that was cut off
    and resumed goes on as if it had not been. shared_space: see `FlatTpe`; it makes TPE faster
    and changes nothing that it suggests.
    """
    from optuna import samplers

    drawn = _seed_of(seed if sampler.seed is None else sampler.seed, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls half of these options experimental.
        bounds: dict[str, Any] = {"constraints_func": noted_excesses} if constrained else {}
        if isinstance(sampler, Tpe):
            return _tpe(sampler, drawn, trials, conditional, shared_space, **bounds)
        if isinstance(sampler, Gp):
            return samplers.GPSampler(
                n_startup_trials=sampler.startup(trials),
                warn_independent_sampling=False,
                seed=drawn,
                **bounds,
            )
        if isinstance(sampler, CmaEs):
            return samplers.CmaEsSampler(
                n_startup_trials=sampler.startup(trials),
                warn_independent_sampling=False,
                seed=drawn,
            )
        if isinstance(sampler, Qmc):
            # A sequence is one only under one seed.
            fixed = seed if sampler.seed is None else sampler.seed
            return samplers.QMCSampler(
                scramble=sampler.scramble,
                seed=fixed,
                warn_asynchronous_seeding=False,
                warn_independent_sampling=False,
            )
        if isinstance(sampler, Nsga2):
            population = sampler.population or max(2, min(50, trials // 3))
            return samplers.NSGAIISampler(population_size=population, seed=drawn, **bounds)
        if isinstance(sampler, PluginSampler):
            return _of_plugin(sampler, drawn, number, trials)
        return samplers.RandomSampler(seed=drawn)


def _tpe(
    sampler: Tpe,
    seed: int,
    trials: int,
    conditional: bool,
    shared_space: IntersectionSearchSpace | None,
    **bounds: Any,
) -> BaseSampler:
    from optuna import samplers

    options: dict[str, Any] = {
        "n_startup_trials": sampler.startup(trials),
        "constant_liar": sampler.constant_liar,
        "warn_independent_sampling": False,
        "seed": seed,
        **bounds,
    }
    if sampler.multivariate and not conditional and shared_space is not None:
        return FlatTpe(shared_space, **options)
    return samplers.TPESampler(
        multivariate=sampler.multivariate,
        group=sampler.multivariate and conditional,
        **options,
    )


def _of_plugin(sampler: PluginSampler, seed: int, number: int, trials: int) -> BaseSampler:
    from optuna.samplers import BaseSampler

    try:
        built = sampler.build(seed=seed, number=number, trials=trials)
        if not isinstance(built, BaseSampler):
            raise TypeError(f"build gave {type(built).__name__}, and must give an Optuna sampler")
    except Exception as error:  # It is other people's code.
        raise SAMPLER_PLUGINS.failed(sampler.name, error) from error
    return built


def _seed_of(seed: int, number: int) -> int:
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
