"""`--set key=value`: one way for every command to read a value that is written as in YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from memgan.config.configuration import Configuration, Runtime
from memgan.config.likely_keys import did_you_mean, dotted_keys
from memgan.config.parameters import parameters_type
from memgan.config.typed import DataConfig, parse
from memgan.errors import ConfigError

_OPTIONS = ("normal_class", "seeds")
"""Keys of a configuration that a command has options for, and no settings."""


def read_settings(settings: Sequence[str]) -> dict[str, Any]:
    """["a=1", "b.c=[x, y]"] as {"a": 1, "b.c": ["x", "y"]}. ConfigError for anything else."""
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {setting}: write it as key=value")
        try:
            values[key.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ConfigError(f"--set {setting}: the value is not valid YAML; quote it") from None
    return values


# A parameter for each option of a command that lays it over a configuration.
def configure(
    configuration: Configuration,
    *,
    settings: Sequence[str] = (),
    source: str | None = None,
    data_dir: Path | None = None,
    normal_class: str | None = None,
    seeds: tuple[int, ...] | None = None,
    device: str | None = None,
) -> Configuration:
    """The configuration under a command's options; None leaves a value as it is.

    A setting is a detector's parameter (`memory_units=100`), or `data.KEY`, or `runtime.KEY`.
    ConfigError names an unknown key and the nearest known one.
    """
    content = configuration.model_dump()
    given = read_settings(settings)
    for key, value in given.items():
        section, _, member = key.partition(".")
        if section in ("data", "runtime") and member:
            content[section][member] = value
        elif section in parameters_type(configuration.detector).model_fields:
            _set_parameter(content["parameters"], section, member, value)
            schedules = [content["schedule"], *content["schedule_by_class"].values()]
            changes = [change for schedule in schedules for change in schedule.values()]
            for over in [*content["by_class"].values(), *changes]:
                _set_over(over, key, value)
        else:
            raise _unknown(configuration, key)
    if source is not None:
        content["data"]["source"] = source
    if data_dir is not None:
        content["data"]["dir"] = data_dir
    if normal_class is not None:
        content["normal_class"] = normal_class
    if seeds is not None:
        content["seeds"] = seeds
    if device is not None:
        content["runtime"]["device"] = device
    return parse(Configuration, content, "options")


def _set_parameter(parameters: dict[str, Any], key: str, member: str, value: Any) -> None:
    if member and isinstance(parameters[key], Mapping):
        parameters[key] = {**parameters[key], member: value}
    else:
        parameters[f"{key}.{member}" if member else key] = value


def _set_over(over: dict[str, Any], key: str, value: Any) -> None:
    """Let a setting hold also where a class or a later epoch has values of its own."""
    for own in [name for name in over if name == key or name.startswith(f"{key}.")]:
        del over[own]
    if key.partition(".")[0] in over:  # Its own value of the whole would hide the member's.
        over[key] = value


def _unknown(configuration: Configuration, key: str) -> ConfigError:
    kind = parameters_type(configuration.detector)
    known = [*kind.model_fields, "data.…", "runtime.…"]
    keys = [
        *dotted_keys(kind),
        *dotted_keys(DataConfig, "data."),
        *dotted_keys(Runtime, "runtime."),
    ]
    if key in _OPTIONS:
        hint = f" give it as the option --{key.replace('_', '-')};"
    else:
        hint = did_you_mean(key, keys)
    return ConfigError(f"--set {key}: unknown key;{hint} known: {', '.join(known)}")
