"""Configurations by name: the files of configs/, as they are or with a value changed.

`memgan-recipe` is configs/mnist/memgan-recipe.yaml; `memgan-recipe+memory_units=100` is the same
with one value changed. What a cell of a table says it was trained with can so be trained again.
"""

from __future__ import annotations

import hashlib
import json
from itertools import takewhile
from pathlib import Path

from memgan.config.configuration import Configuration
from memgan.config.parameters import dotted
from memgan.config.settings import read_settings
from memgan.config.typed import parse, read_yaml
from memgan.errors import unknown_name


def configuration_names(family: str) -> list[str]:
    """Names of the configurations for `family`, a folder of configs/ ("mnist", "cifar10")."""
    return sorted(path.stem for path in _folder(family).glob("*.yaml"))


def named_configuration(family: str, name: str) -> Configuration:
    """The configuration `NAME` or `NAME+KEY=VALUE+…`. UnknownName or ConfigError for another.

    A KEY is one of the detector's parameters; for a class that has a value of its own in the
    file, that one stays.
    """
    base, *settings = name.split("+")
    known = configuration_names(family)
    if base not in known:
        raise unknown_name(f"configuration for {family}", base, known)
    path = _folder(family) / f"{base}.yaml"
    content = read_yaml(path)
    # What the file does not set stays unset, which `digest` looks at.
    content["parameters"] = {**(content.get("parameters") or {}), **read_settings(settings)}
    return parse(Configuration, content, name if settings else str(path))


def describe(family: str, name: str) -> str:
    """What a configuration's file says of itself in the comment at its head, as one line."""
    lines = (_folder(family) / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    head = takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.removeprefix("#").strip() for line in head)


def digest(configuration: Configuration, normal_class: str) -> str:
    """Twelve hexadecimal digits over the values that a file sets for one class.

    Values left to their defaults do not count: a parameter that is added later, and that the
    file does not set, leaves the digest as it is.
    """
    written = dotted(configuration.parameters.model_dump(mode="json", exclude_unset=True))
    over = dotted(configuration.by_class.get(normal_class, {}))
    # Keys that came later; left to their defaults, the digest stays as it was.
    later = {"cut", "white_level", "validation", "calibration", "resize"}
    data = configuration.data.model_dump(mode="json", exclude={"source", "dir", *later})
    data |= configuration.data.model_dump(mode="json", include=later, exclude_defaults=True)
    content = {"detector": configuration.detector, "data": data, **written, **over}
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _folder(family: str) -> Path:
    here = Path(__file__).parents[1]
    installed = here / "configs"
    return (installed if installed.is_dir() else here.parent / "configs") / family
