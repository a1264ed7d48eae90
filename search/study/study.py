"""A study: one search, typed and frozen, as its YAML file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializeAsAny,
    field_serializer,
    field_validator,
    model_validator,
)

from memgan.config import (
    Configuration,
    DataConfig,
    DetectorParameters,
    Frozen,
    NormalClass,
    Packing,
    Runtime,
    detector_package,
    make_parameters,
    parameters_type,
    parse,
    read_yaml,
)
from memgan.errors import BadInput, ConfigError
from memgan.machine import Arithmetic
from memgan.text import epochs, one_or_two_lines
from search.study.budget import Budget, by_time_alone
from search.study.compatibility import check_constraints, check_objectives, check_pairs
from search.study.entries import Entry
from search.study.objectives import Constraint, Objective, read_objective
from search.study.overrides import apply_options, apply_settings, plain_content
from search.study.samplers import Random, Sampler, Tpe, make_sampler, sampler_package
from search.study.schedulers import Asha, Pbt, Scheduler, make_scheduler
from search.study.space import Space, as_number, dump_entry, make_space, number_type
from search.study.start_points import start_points
from search.study.study_name import RULE, is_study_name, made_name


class Resources(Frozen):
    """What a trial takes and how many run at once; None means what the machine suggests."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What trains the trials; auto takes a GPU if Ray has one."""
    gpus_per_trial: float | None = Field(None, ge=0)
    """The GPUs that a trial takes; with a fraction, several trials share one."""
    cpus_per_trial: float = Field(1, gt=0)
    """Cores that a trial takes."""
    max_concurrent: int | None = Field(None, ge=1)
    """The most trials that run at a time."""
    packing: Packing = "auto"
    """Whether the classes of a trial are trained as one model: auto where that was measured to be
    faster, on wherever it is possible, off never. Figures agree up to rounding, not to the last
    digit."""
    precision: Arithmetic = "auto"
    """The arithmetic of training: fp32, bf16 by autocast, and on a GPU tf32. auto is fp32 on a CPU,
    and what torch itself does on a GPU."""
    price_per_hour: float | None = Field(None, ge=0)
    """What all machines together cost for an hour, in any currency. It is only shown."""
    checkpoint_epochs: int = Field(5, ge=1)
    """A trial that is cut off loses at most this many epochs."""


class Final(Frozen):
    """The winner, trained again."""

    seeds: int = Field(3, ge=1)
    """How often the winner is trained again, each time with its own seed. Reports show the spread
    of AUROC over them."""


class Study(Frozen):
    """One search: data, detector, protocol, space, sampler, scheduler, budget, seed."""

    name: str = ""
    """Letters, digits, - _ and . are allowed. Without a name, one is made from detector, source and
    time."""
    data: DataConfig = DataConfig()
    """Which images, and how they are cut."""
    normal_class: NormalClass = "all"
    """Classes that are normal one after the other, or all of them."""
    detector: str = "memgan"
    """Which detector is searched."""
    protocol: Literal["shared", "per-class"] = "shared"
    """One configuration for all normal classes, or one for each."""
    objective: Annotated[
        Objective | tuple[Objective, ...] | None, BeforeValidator(read_objective)
    ] = None
    """One objective, or several; then the first chooses the winner from their Pareto front.
    val-auroc uses labelled anomalies, and label-free uses anomalies made from normal images. None
    is decided when the study begins: by labels if every class has them."""
    constraints: dict[str, Constraint] = Field(default_factory=dict)
    """What a trial must fulfil to win: bounds (at_least, at_most) by measure of memory and game."""
    space: dict[str, SerializeAsAny[Entry]]
    """The searched parameters: a list, a range, or a choice for each."""
    fixed: dict[str, Any] = Field(default_factory=dict)
    """Parameters that are the same in every trial, epochs among them."""
    start_from: tuple[str | dict[str, Any], ...] = ()
    """What is tried first: "paper", "recipe", mappings of parameters, a YAML file of them, or
    {study: NAME, best: N}. The sampler adds what a point leaves open."""
    budget: Budget = Budget()
    """Where the study ends."""
    sampler: Annotated[SerializeAsAny[Sampler], BeforeValidator(make_sampler)] = Tpe()
    """What proposes the next trial: a name, or a mapping with name and options."""
    scheduler: Annotated[SerializeAsAny[Scheduler], BeforeValidator(make_scheduler)] = Asha()
    """What stops a trial early, or changes it: a name, or a mapping with name and options."""
    resources: Resources = Resources()
    """What a trial takes."""
    final: Final = Final()
    """The winner, trained again."""
    seed: int = Field(0, ge=0)
    """The seed of the sampler and of every trial's training."""
    trial_seeds: int = Field(1, ge=1)
    """How many seeds a trial is trained with, from `seed` on. Their mean judges the trial, for
    samplers and schedulers too."""
    chosen: dict[str, str] | None = None
    """Why a value was chosen from the images and the machine, by its key. A key that is not here
    was stated. A search without a study file writes this; only people read it."""
    _search_space: Space = PrivateAttr()

    def __repr__(self) -> str:
        trials = f"{self.budget.words} of {epochs(self.epochs)} over {', '.join(self.space)}"
        what = f"{self.detector} on {self.data.source}, {self.protocol}, {trials}"
        return one_or_two_lines(f"Study({self.name}: {what})")

    __str__ = __repr__

    @classmethod
    def from_yaml(
        cls,
        path: str | Path,
        options: Mapping[str, Any] = MappingProxyType({}),
        settings: Sequence[str] = (),
    ) -> Study:
        """A study file, under options and `key=value` settings (see `with_options` and
        `with_settings`). ConfigError or UnknownName, in one line, for anything wrong in them."""
        path = Path(path)
        content = read_yaml(path)
        overridden = bool(settings) or any(value is not None for value in options.values())
        if overridden and (plain := plain_content(content)) is not None:
            # All in one go, as every reading of a study checks the whole space again.
            try:
                apply_options(plain, options)
                apply_settings(plain, settings, study=cls)
                return parse(cls, plain, str(path))
            except BadInput:
                pass  # One by one, so that the message names the place where the fault stands.
        study = parse(cls, content, str(path))
        return study.with_options(**options).with_settings(settings)

    @classmethod
    def default(cls) -> Study:
        """The embedded study: scikit-learn's digits, a few minutes on two cores."""
        return cls.from_yaml(default_study_file())

    def with_options(self, **options: Any) -> Study:
        """This study under command-line options by name; None leaves as it is."""
        if all(value is None for value in options.values()):
            return self
        content = self._content()
        apply_options(content, options)
        return parse(type(self), content, "options")

    def with_settings(self, settings: Sequence[str]) -> Study:
        """This study under `key=value` settings, values in YAML.

        data.*, budget.*, sampler.*, scheduler.*, resources.* and final.* go to their section. A
        detector parameter with one value is fixed; with a list or a mapping it is searched.
        """
        if not settings:
            return self
        content = self._content()
        apply_settings(content, settings, study=type(self))
        return parse(type(self), content, "--set")

    @property
    def search_space(self) -> Space:
        """The space with its conditions in order, ready to suggest."""
        return self._search_space

    @cached_property
    def most_trials(self) -> int:
        """Trials a group of classes: the budget, or all points of a space that has fewer."""
        return self.search_space.size(self.budget.trials)

    @cached_property
    def epochs(self) -> int:
        """Every trial's full budget."""
        return int(self.search_space.resting["epochs"])

    def parameters(self, values: Mapping[str, Any]) -> DetectorParameters:
        """The detector's parameters for one point of the space."""
        return make_parameters(self.detector, {**self.fixed, **values}, "trial")

    @property
    def seeds_of_trials(self) -> tuple[int, ...]:
        """The seeds that every trial is trained with."""
        return tuple(range(self.seed, self.seed + self.trial_seeds))

    @property
    def final_seeds(self) -> tuple[int, ...]:
        """The seeds that winners are trained again with."""
        return tuple(range(self.seed, self.seed + self.final.seeds))

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is searched for, in the order of the study file."""
        named = "val-auroc" if self.objective is None else self.objective
        return (named,) if isinstance(named, str) else named

    @property
    def judge(self) -> str:
        """What AUROC is of: labelled anomalies ("val-auroc") or made ones ("label-free")."""
        return self.objectives[0]

    def configuration(
        self,
        values: Mapping[str, Any],
        runtime: Runtime,
        schedule: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
    ) -> Configuration:
        """All that makes the trial of one point of the space, and of values that change later."""
        return Configuration(
            detector=self.detector,
            data=self.data,
            normal_class=self.normal_class,
            seeds=(self.seed,),
            runtime=runtime,
            parameters=self.parameters(values),
            schedule={epoch: dict(changes) for epoch, changes in schedule.items()},
        )

    def points(self) -> list[dict[str, Any]]:
        """The values of `start_from` that lie in the space, each as Optuna stores it."""
        return start_points(self.search_space, self.start_from)

    def _content(self) -> dict[str, Any]:
        content = self.model_dump(mode="json")
        if "name" not in self.model_fields_set:
            del content["name"]  # A made-up name tells detector and source, so it is made again.
        for section in ("sampler", "scheduler"):
            content[section] = {k: v for k, v in content[section].items() if v is not None}
        return content

    @model_validator(mode="wrap")
    @classmethod
    def _with_its_space(cls, values: Any, read: ModelWrapValidatorHandler[Study]) -> Study:
        """The space is built once, from what is written, and goes with the study."""
        if not isinstance(values, Mapping):
            return read(values)
        content, space = _typed(values)
        study = read(content)
        study._search_space = space
        study.points()
        check_constraints(study.constraints, study.detector, study.scheduler)
        check_objectives(study.objectives, study.detector)
        check_pairs(
            sampler=study.sampler,
            scheduler=study.scheduler,
            space=space,
            objectives=study.objectives,
            epochs=study.epochs,
            trials=study.budget.trials,
        )
        return study

    def model_post_init(self, context: Any) -> None:
        """A study that was given no name gets one of its own."""
        if not self.name:
            object.__setattr__(self, "name", made_name(self.detector, self.data.source))

    @field_validator("name")
    @classmethod
    def _usable_name(cls, value: str) -> str:
        if value and not is_study_name(value):
            raise ValueError(RULE)
        return value

    @field_serializer("space")
    def _as_written(self, value: dict[str, Entry]) -> dict[str, Any]:
        return {name: dump_entry(entry) for name, entry in value.items()}


def _typed(values: Mapping[str, Any]) -> tuple[dict[str, Any], Space]:
    """What a study file says with typed entries, and the space of them. ConfigError or UnknownName
    where the detector, its fixed parameters or the space cannot be as they are written."""
    detector = values.get("detector", "memgan")
    parameters_type(detector)
    raw, fixed = values.get("space") or {}, values.get("fixed") or {}
    for key, content in (("space", raw), ("fixed", fixed)):
        if not isinstance(content, Mapping):
            raise ConfigError(f"{key}: expected keys and values, got {content!r}")
    if not raw:
        raise ConfigError(
            "space: nothing to search; name a parameter with low and high, or with a list"
        )
    fixed = {
        key: as_number(value, number_type(detector, key), f"fixed.{key}")
        for key, value in fixed.items()
    }
    space = make_space(detector, raw, fixed)
    typed = {**values, "space": dict(space.entries), "fixed": fixed}
    if "scheduler" in values and "sampler" not in values:
        typed["scheduler"] = make_scheduler(values["scheduler"])
        if isinstance(typed["scheduler"], Pbt):  # It needs no sampler but to start from.
            typed["sampler"] = Random()
    if "budget" in values and not isinstance(make_scheduler(values.get("scheduler", "asha")), Pbt):
        typed["budget"] = by_time_alone(values["budget"])
    return typed, space


def packages_of_plugins(study: Study) -> dict[str, str]:
    """The packages that the study's detector and sampler come from, with their versions: what it
    needs here and on every node."""
    return {**detector_package(study.detector), **sampler_package(study.sampler.name)}


def studies_folder() -> Path:
    """Where the studies that come with the package lie, installed or in a checkout."""
    here = Path(__file__).parents[1]
    installed = here / "configs" / "studies"
    return installed if installed.is_dir() else here.parent / "configs" / "studies"


def default_study_file() -> Path:
    """The study file that is taken where none is given."""
    return studies_folder() / "digits.yaml"
