"""TPE where every trial has every parameter, which then is looked up once and not at each trial.

Imported only where Optuna is already in use.
"""

from __future__ import annotations

from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.search_space import IntersectionSearchSpace
from optuna.trial import FrozenTrial


class FlatTpe(TPESampler):
    """Multivariate TPE for a space without conditions.

    A new sampler is made for each trial, as its randomness is the trial's own. Optuna's would
    then go through all earlier trials for the parameters they share; this one is given what was
    found before. shared_space: the same for all samplers of one study; it includes pruned trials.
    """

    def __init__(self, shared_space: IntersectionSearchSpace, **options: Any) -> None:
        super().__init__(multivariate=True, **options)
        self._shared_space = shared_space

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        found = self._shared_space.calculate(study)
        return {name: values for name, values in found.items() if not values.single()}
