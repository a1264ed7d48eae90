"""The best configuration of a study: what `best.yaml` holds and finals are trained from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memgan.config import Configuration, Origin, Runtime, flatten
from memgan.training import Cell
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
            "seeds": tuple(range(study.seed, study.seed + study.final.seeds)),
            "by_class": {name: values for name, values in by_class.items() if values},
            "schedule_by_class": {
                name: winner.outcome.schedule
                for winner in others
                for name in winner.group.classes
                if winner.outcome.schedule != first.outcome.schedule
            },
        }
    )


def with_origin(
    configuration: Configuration,
    study: Study,
    study_id: str,
    winners: Sequence[Winner],
    cells: Mapping[str, Sequence[Cell]],
    split_hash: str,
    machine: str,
    versions: Mapping[str, str],
) -> Configuration:
    """The configuration with where it comes from and the figures that it gave.

    machine, versions: those that the finals were trained on, wherever this is called.
    """
    origin = Origin(
        study=study.name,
        study_id=study_id,
        protocol=study.protocol,
        split_hash=split_hash,
        trials={n: winner.outcome.trial_id for winner in winners for n in winner.group.classes},
        test_auroc={
            name: {
                str(cell.seed): cell.test_auroc for cell in of_class if cell.test_auroc is not None
            }
            for name, of_class in cells.items()
        },
        versions=dict(versions),
        machine=machine,
    )
    return configuration.model_copy(update={"origin": origin})
