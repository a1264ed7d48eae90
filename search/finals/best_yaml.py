"""The best configuration of a study: what finals are trained from."""

from __future__ import annotations

from collections.abc import Sequence

from memgan.config import Configuration, Runtime, flatten
from search.finals.finals import Winner
from search.study import Study


def best_configuration(study: Study, winners: Sequence[Winner], runtime: Runtime) -> Configuration:
    """One configuration for all classes; where the winners differ, by class."""
    first, *others = winners
    configuration = study.configuration(first.outcome.values, runtime, first.outcome.schedule)
    common = flatten(configuration.parameters)
    by_class = {}
    for winner in others:
        own = flatten(study.parameters(winner.outcome.values))
        for name in winner.group.classes:
            by_class[name] = {key: value for key, value in own.items() if common.get(key) != value}
    return configuration.model_copy(
        update={
            "normal_class": tuple(name for winner in winners for name in winner.group.classes),
            "seeds": study.final_seeds,
            "by_class": {name: values for name, values in by_class.items() if values},
            "schedule_by_class": {
                name: winner.outcome.schedule
                for winner in others
                for name in winner.group.classes
                if winner.outcome.schedule != first.outcome.schedule
            },
        }
    )
