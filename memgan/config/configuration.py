"""A configuration: every value that makes a detector and its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from memgan.config.detector_plugin import DetectorParameters
from memgan.config.memgan_parameters import MemganParameters
from memgan.config.parameters import (
    dotted,
    flatten,
    make_parameters,
    parameters_type,
)
from memgan.config.typed import DataConfig, Frozen, NormalClass, Packing, cut_as_it_began
from memgan.errors import ConfigError
from memgan.machine import Arithmetic
from memgan.text import one_or_two_lines


class Runtime(Frozen):
    """Device and threads of a training; figures repeat exactly only if both are the same."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What trains and scores detectors; auto takes a GPU if torch finds one."""
    threads: int = Field(1, ge=1)
    """The CPU threads of a training. Two trainings of one thread are faster than one of two."""
    packing: Packing = "auto"
    """Whether the classes of a search's trial are trained as one model: auto where that was
    measured to be faster, on wherever it is possible, off never. Figures agree up to rounding, not
    to the last digit. `memgan train` trains every class and seed by itself."""
    precision: Arithmetic = "auto"
    """The arithmetic of training: fp32, bf16 by autocast, and on a GPU tf32. auto is fp32 on a CPU,
    and what torch itself does on a GPU. Scores are always computed in fp32."""


class Origin(Frozen):
    """Where an exported configuration comes from, and what it is expected to give."""

    study: str
    """The study's name."""
    study_id: str
    """What distinguishes studies of one name."""
    protocol: Literal["shared", "per-class"]
    """Whether one configuration was searched for all classes, or one for each."""
    split_hash: str
    """The hash of the images and of how they were cut."""
    trials: dict[str, str]
    """The winning trial by normal class."""
    test_auroc: dict[str, dict[str, float]]
    """The recorded AUROC, 0 to 1, by normal class and seed."""
    versions: dict[str, str]
    """The versions of Python and of the libraries that decide figures."""
    machine: str
    """Processor, cores and GPU, in words."""


Schedule = dict[int, dict[str, Any]]


class Configuration(Frozen):
    """One detector on one source: the content of a training file and of `best.yaml`."""

    detector: str = "memgan"
    """A detector's name; `memgan train` lists them for an unknown one."""
    data: DataConfig = DataConfig()
    """Which images, and how they are cut."""
    normal_class: NormalClass = "all"
    """Classes that are normal one after the other, or all of them."""
    seeds: tuple[int, ...] = (0,)
    """Each class is trained once with each seed."""
    runtime: Runtime = Runtime()
    """How it is computed, which changes no result beyond rounding."""
    parameters: SerializeAsAny[DetectorParameters] = MemganParameters()
    """The detector's own keys."""
    by_class: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Values that differ for one normal class, laid over `parameters`."""
    schedule: Schedule = Field(default_factory=dict)
    """Values that change in training, by the epoch from which they hold, counted from 1."""
    schedule_by_class: dict[str, Schedule] = Field(default_factory=dict)
    """Schedules for single normal classes, in place of `schedule`."""
    origin: Origin | None = None
    """Which study chose the values; written by `memgan export`."""

    def __repr__(self) -> str:
        classes = "all" if self.normal_class == "all" else ", ".join(self.normal_class)
        seeds = f"{len(self.seeds)} seed{'s' * (len(self.seeds) != 1)}"
        study = f", from study {self.origin.study}" if self.origin else ""
        usual = flatten(type(self.parameters)())
        values = flatten(self.parameters).items()
        own = ", ".join(f"{name} {value}" for name, value in values if value != usual.get(name))
        return one_or_two_lines(
            f"Configuration({self.detector} on {self.data.source}{study}, {seeds}, normal class"
            f" {classes}; {own or 'parameters at their defaults'})"
        )

    __str__ = __repr__

    @model_validator(mode="before")
    @classmethod
    def _typed_parameters(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        if isinstance(values.get("origin"), Mapping):  # As an exported file has it.
            values = cut_as_it_began(values)
        given = values.get("parameters") or {}
        if isinstance(given, DetectorParameters):
            return values
        if not isinstance(given, Mapping):
            raise ValueError(f"parameters must be keys and values, got {given!r}")
        detector = values.get("detector", "memgan")
        return {**values, "parameters": make_parameters(detector, given, "parameters")}

    @field_validator("seeds", mode="before")
    @classmethod
    def _one_seed(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) else value

    @model_validator(mode="after")
    def _consistent(self) -> Configuration:
        expected = parameters_type(self.detector)
        if type(self.parameters) is not expected:
            raise ValueError(f"parameters of {self.detector} must be {expected.__name__}")
        if not self.seeds or any(seed < 0 for seed in self.seeds):
            raise ValueError("seeds must be at least one number of 0 or more")
        for name in self.by_class:
            self.parameters_for(name)
        for where, schedule in [
            ("schedule", self.schedule),
            *((f"schedule_by_class.{name}", own) for name, own in self.schedule_by_class.items()),
        ]:
            self._check_schedule(where, schedule)
        return self

    def _check_schedule(self, where: str, schedule: Schedule) -> None:
        changeable = self.parameters.CHANGEABLE
        for epoch, values in schedule.items():
            if epoch < 2:
                raise ConfigError(
                    f"{where}.{epoch}: a change comes in epoch 2 or later; what epoch 1 has"
                    " belongs under parameters"
                )
            for key in values:
                if key.partition(".")[0] not in changeable:
                    known = ", ".join(sorted(changeable)) or "nothing"
                    raise ConfigError(
                        f"{where}.{epoch}.{key}: cannot change in training; changeable of"
                        f" {self.detector}: {known}"
                    )
            make_parameters(self.detector, values, f"{where}.{epoch}")

    def parameters_for(self, normal_class: str) -> DetectorParameters:
        """The parameters that hold for one normal class."""
        over = self.by_class.get(normal_class)
        if not over:
            return self.parameters
        values = {**self.parameters.model_dump(), **dotted(over)}
        return make_parameters(self.detector, values, f"by_class.{normal_class}")

    def stages_for(self, normal_class: str) -> dict[int, DetectorParameters]:
        """The parameters of one normal class by the epoch from which they hold, 1 the first."""
        parameters = self.parameters_for(normal_class)
        stages = {1: parameters}
        schedule = self.schedule_by_class.get(normal_class, self.schedule)
        for epoch in sorted(schedule):
            values = {**parameters.model_dump(), **dotted(schedule[epoch])}
            parameters = make_parameters(self.detector, values, f"schedule.{epoch}")
            stages[epoch] = parameters
        return stages
