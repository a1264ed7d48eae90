"""What makes no sense together in a study, each refused or doubted with its reason in one line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from memgan.config import parameters_type
from memgan.errors import ConfigError, unknown_name
from memgan.health import MEASURES, OF_GAME, OF_MEMORY, OF_SAMPLES
from search.study.entries import Choice
from search.study.objectives import OF_HEALTH, Constraints
from search.study.samplers import CmaEs, Gp, Nsga2, PluginSampler, Qmc, Random, Sampler, Tpe
from search.study.schedulers import NoScheduler, Pbt, Scheduler

if TYPE_CHECKING:
    from search.study.space import Space


def check_pairs(
    *,
    sampler: Sampler,
    scheduler: Scheduler,
    space: Space,
    objectives: Sequence[str],
    epochs: int,
    trials: int,
) -> None:
    """ConfigError for the first pair that makes no sense."""
    several = len(objectives) > 1
    if several and not isinstance(scheduler, NoScheduler):
        raise ConfigError(
            f"scheduler {scheduler.name} stops trials by one objective and there are"
            f" {len(objectives)}; take scheduler none"
        )
    if several and isinstance(sampler, CmaEs):
        raise ConfigError(
            "sampler cmaes knows one objective; for several take tpe, gp, nsga2, qmc or random"
        )
    if several and isinstance(sampler, PluginSampler) and not sampler.SEVERAL_OBJECTIVES:
        raise ConfigError(
            f"sampler {sampler.name} knows one objective; for several take tpe, gp, nsga2, qmc or"
            " random"
        )
    if isinstance(scheduler, Pbt):
        _check_population(sampler, scheduler, space, epochs, trials)
    _check_numbers(sampler, space)


def doubts(judge: str, space: Collection[str]) -> list[str]:
    """What is allowed and was seen to choose badly."""
    if judge != "label-free" or "contrast_normalised" not in space:
        return []
    return [
        "anomalies made from normal images have their contrast, and were seen to misjudge whether"
        " contrast_normalised helps; decide it yourself with --set contrast_normalised=true or"
        " =false"
    ]


def constraint_doubts(constraints: Constraints, sampler: Sampler) -> list[str]:
    """What is allowed and does not do what may be expected of it."""
    if not constraints or isinstance(sampler, Tpe | Gp | Nsga2):
        return []
    return [
        f"sampler {sampler.name} does not look at constraints, only the choice of the winner does;"
        " tpe, gp and nsga2 search for trials that fulfil them"
    ]


def check_constraints(constraints: Constraints, detector: str, scheduler: Scheduler) -> None:
    """ConfigError or UnknownName for a measure that nobody has, or this detector does not, or that
    is not always taken."""
    if constraints and isinstance(scheduler, Pbt):
        raise ConfigError(
            "constraints: scheduler pbt lets weights win by AUROC only; take another scheduler"
        )
    for name in constraints:
        if name not in MEASURES:
            raise unknown_name("measure of constraints", name, MEASURES)
        if name == "in_hull":
            raise ConfigError(f"constraints.{name}: it is not measured of few images; take another")
        _must_measure(detector, name, f"constraints.{name}")


def check_objectives(objectives: Sequence[str], detector: str) -> None:
    """ConfigError for a measure of health that the detector does not have."""
    for name in objectives:
        if name in OF_HEALTH:
            _must_measure(detector, name, f"objective {name}")


def _must_measure(detector: str, name: str, asked: str) -> None:
    kind = parameters_type(detector)
    known = kind.model_fields
    lacks = (
        name not in kind.MEASURED
        if kind.MEASURED is not None
        else (name in OF_MEMORY and "memory_units" not in known)
        or (name in OF_SAMPLES and "mutual_information_weight" not in known)
        or (name in OF_GAME and "adversarial_weight" not in known)
        or not {"memory_units", "adversarial_weight", "width"} & set(known)
    )
    if lacks:
        raise ConfigError(
            f"{asked}: detector {detector} has no such measure; it is"
            f" the {MEASURES[name].split(';')[0]}"
        )


def _check_population(
    sampler: Sampler, scheduler: Pbt, space: Space, epochs: int, trials: int
) -> None:
    if not isinstance(sampler, Random | Qmc):
        raise ConfigError(
            f"scheduler pbt changes values itself, and sampler {sampler.name} would learn from"
            " trials that do not keep theirs; leave sampler out, or take random or qmc"
        )
    if trials < 2:
        raise ConfigError("scheduler pbt needs a population: 2 trials at least, better 8")
    changeable = parameters_type(space.detector).CHANGEABLE
    known = ", ".join(sorted(changeable)) or "none"
    for name in scheduler.mutate or ():
        if name not in space:
            raise ConfigError(f"scheduler.mutate: {name} is not searched; there are: {_all(space)}")
        if name.partition(".")[0] not in changeable:
            raise ConfigError(
                f"scheduler.mutate: {name} cannot change in training, as it makes the shape or the"
                f" start of what is trained; of {space.detector} can change: {known}"
            )
    if not any(name.partition(".")[0] in changeable for name in space):
        raise ConfigError(
            f"scheduler pbt finds nothing to change: {_all(space)} make the shape or the start of"
            f" what is trained; of {space.detector} can change: {known}"
        )
    interval = scheduler.interval(epochs)
    if interval >= epochs:
        raise ConfigError(
            f"scheduler pbt changes values every {interval} epochs and a trial has {epochs}; give"
            " more epochs or a smaller scheduler.interval_epochs"
        )


def _check_numbers(sampler: Sampler, space: Space) -> None:
    numbers = [name for name, entry in space.items() if not isinstance(entry, Choice)]
    if isinstance(sampler, CmaEs):
        always = [name for name in numbers if not space[name].when]
        if len(always) < 2:
            raise ConfigError(
                "sampler cmaes needs two numbers at least that are searched in every trial, and"
                f" the space has {len(always)}; take tpe"
            )
    if isinstance(sampler, Qmc) and not numbers:
        raise ConfigError(
            "sampler qmc needs a number to spread, and the space has only words; take random or tpe"
        )


def _all(space: Space) -> str:
    return ", ".join(space)
