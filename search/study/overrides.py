"""A study changed from outside: command-line options, and `key=value` settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memgan.config import (
    DETECTOR_PLUGINS,
    Frozen,
    did_you_mean,
    dotted,
    dotted_keys,
    make_parameters,
    of_the_same_name,
    parameters_type,
    read_settings,
)
from memgan.errors import ConfigError
from search.study.options import STUDY_OPTIONS
from search.study.space import make_space

_SECTIONS = ("data", "budget", "sampler", "scheduler", "resources", "final")
_PLACES: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    **{option.name: option.place for option in STUDY_OPTIONS},
}
_OTHER = ("detector", "sampler", "scheduler")
"""Options that change more than their own key."""
_RATES: Mapping[str, Any] = {"low": 3e-4, "high": 1e-2, "log": True}
_MEMORIES: Mapping[str, Any] = {
    "learning_rate": _RATES,
    "memory_units": [10, 25, 50, 100],
    "memory_dim": {"low": 8, "high": 64, "step": 8},
}
_COMPRESSORS: Mapping[str, Any] = {
    "learning_rate": {**_RATES, "low": 1e-4},
    "code_dim": [16, 32, 64, 128],
}
DEFAULT_SPACES: Mapping[str, Mapping[str, Any]] = {
    "memgan": _MEMORIES,
    "memgan-plus": {**_MEMORIES, "residual_weight": [0.25, 0.5, 1.0, 2.0]},
    "memgan-turns": {**_MEMORIES, "second_stage": ["memgan", "gaussian", "neighbours"]},
    "autoencoder": {"learning_rate": _RATES, "code_dim": {"low": 8, "high": 64, "step": 8}},
    "memae": {
        "learning_rate": _RATES,
        "memory_units": [50, 100, 200, 500],
        "shrinkage": {"low": 0.5, "high": 3.0},
    },
    "alice": {"learning_rate": _RATES, "code_dim": {"low": 8, "high": 64, "step": 8}},
    "dcae": _COMPRESSORS,
    "dsvdd": _COMPRESSORS,
    "ama": {
        "learning_rate": {**_RATES, "low": 1e-4, "high": 3e-3},
        "code_dim": [16, 32, 64, 128],
        "norm_weight": [0.1, 1.0],
        "atypical_weight": [0.0, 1.0, 5.0],
        "two_sided": [False, True],
    },
    "alad": {
        "learning_rate": {**_RATES, "low": 1e-4, "high": 1e-3},
        "code_dim": [16, 32, 64, 100],
        "spectral_norm": [False, True],
        "average": [0.0, 0.99, 0.999],
    },
    "anogan": {
        "learning_rate": {**_RATES, "low": 1e-4, "high": 1e-3},
        "code_dim": [16, 32, 64, 100],
        "feature_weight": [0.1, 1.0],
        "average": [0.0, 0.99, 0.999],
    },
    "dagmm": {
        "learning_rate": {**_RATES, "low": 1e-4},
        "code_dim": [2, 5, 10, 20],
        "components": [1, 2, 3, 5],
        "energy_weight": [0.0, 0.01, 0.1],
    },
    "dsebm": {
        "learning_rate": {**_RATES, "low": 1e-4},
        "energy_terms": [64, 128, 256],
        "noise": {"low": 0.1, "high": 1.0},
    },
    "ocsvm": {"nu": [0.01, 0.03, 0.1, 0.3]},
    "iforest": {"trees": [50, 100, 200], "samples": [128, 256, 512]},
    "patch-memory": {
        "memory_share": [0.005, 0.01, 0.02, 0.05],
        "neighbours": [1, 3, 9],
        "features.layers": ["stride8", "stride16", "stride8,stride16"],
        "whitening": [0.0, 0.1],
        "largest": [1, 5],
    },
    "pca": {"components": [2, 4, 8, 16, 32]},
    "neighbours": {"neighbours": [1, 2, 3, 5, 10]},
    "hog-neighbours": {"neighbours": [1, 2, 3, 5, 10], "mean_image_share": [0.0, 0.25, 0.5]},
}
"""Searched where the detector is changed by an option, as a study's own space no longer fits."""


def plain_content(content: Any) -> dict[str, Any] | None:
    """A study file's content with all that overrides look at; None where it has not the form of a
    study, which whoever reads it tells in detail."""
    if not isinstance(content, Mapping):
        return None
    plain: dict[str, Any] = {"detector": "memgan", "start_from": [], **content}
    for section in ("sampler", "scheduler"):
        if isinstance(plain.get(section), str):
            plain[section] = {"name": plain[section]}
    plain.setdefault("scheduler", {"name": "asha"})
    if not isinstance(plain["scheduler"], Mapping):
        return None
    population = plain["scheduler"].get("name") == "pbt"
    plain.setdefault("sampler", {"name": "random" if population else "tpe"})
    for section in ("space", "fixed", *_SECTIONS):
        given = plain.get(section, {})
        if not isinstance(given, Mapping):
            return None
        plain[section] = dict(given)
    named = all("name" in plain[section] for section in ("sampler", "scheduler"))
    return plain if named and isinstance(plain["detector"], str) else None


def apply_options(content: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Change a study's content by options by name; None leaves as it is. ConfigError names a
    detector that has nothing to search; other wrong values are found when the study is read."""
    given = {name: value for name, value in options.items() if value is not None}
    before = _values_of_chosen(content)
    if unknown := sorted(set(given) - set(_PLACES)):
        raise TypeError(f"no such option: {', '.join(unknown)}")
    detector = given.get("detector", content["detector"])
    if detector != content["detector"]:
        parameters_type(detector)
        content.update(
            detector=detector,
            space=default_space(detector),
            fixed={"epochs": _epochs(content)} if detector == "memgan" else {},
            start_from=[],
        )
    for section in ("sampler", "scheduler"):
        name = given.get(section)
        if name is not None and name != content[section]["name"]:
            _rename(content, section, name)
    _make_room(content, given)
    for name, value in given.items():
        if name not in _OTHER:
            put(content, _PLACES[name], value)
    _forget_chosen(content, before)


def default_space(detector: str) -> dict[str, Any]:
    """What is searched of a detector where no study file says it. ConfigError for one that has
    nothing to search."""
    space = DEFAULT_SPACES.get(detector) or _space_of_plugin(detector)
    if not space:
        raise ConfigError(
            f"detector {detector} has nothing to search; train it with `memgan train`, or take"
            f" {', '.join(DEFAULT_SPACES)}"
        )
    return dict(space)


def _space_of_plugin(detector: str) -> Mapping[str, Any]:
    plugin = DETECTOR_PLUGINS.find(detector)
    if plugin is None:
        return {}
    try:
        make_space(detector, plugin.space, {})
    except ConfigError as error:  # The user wrote nothing wrong.
        raise DETECTOR_PLUGINS.failed(detector, error) from None
    return plugin.space


def apply_settings(
    content: dict[str, Any], settings: Sequence[str], *, study: type[Frozen]
) -> None:
    """Change a study's content by `key=value` settings in this order. ConfigError names an
    unknown key, and the key that may be meant. study: what the content is of."""
    given = read_settings(settings)
    before = _values_of_chosen(content)
    for key, value in given.items():
        _set(content, study, key, value)
    _make_room(content, {key.removesuffix(".name"): value for key, value in given.items()})
    _forget_chosen(content, before)


def _set(content: dict[str, Any], study: type[Frozen], key: str, value: Any) -> None:
    head, _, rest = key.partition(".")
    if key in ("sampler.name", "scheduler.name"):
        content[head] = {"name": value}  # One's options mean nothing to another.
        return
    if head in _SECTIONS and rest and not _is_of_another_section(study, key):
        put(content, (head, rest), value)
        return
    fields = list(parameters_type(content["detector"]).model_fields)
    if head in fields:
        if rest and isinstance(content["fixed"].get(head), Mapping):
            content["fixed"] = dotted(content["fixed"])  # Else the key would stand there twice.
        content["fixed"].pop(key, None)
        content["space"].pop(key, None)
        searched = isinstance(value, list | Mapping)
        content["space" if searched else "fixed"][key] = value
        return
    if key in study.model_fields and key not in ("space", "fixed", "detector"):
        content[key] = value
        return
    if key == "detector":
        raise ConfigError("--set detector: give it as the option --detector NAME")
    known = [*fields, *(f"{section}.…" for section in _SECTIONS)]
    meant = ".".join(_PLACES.get(key, (key,)))
    hint = did_you_mean(meant, [*dotted_keys(parameters_type(content["detector"])), *_keys(study)])
    raise ConfigError(f"--set {key}: unknown key;{hint} known: {', '.join(known)}")


def _keys(study: type[Frozen]) -> list[str]:
    return [key for key in dotted_keys(study) if key not in ("detector", "fixed", "space")]


def _is_of_another_section(study: type[Frozen], key: str) -> bool:
    """Whether a section has no key of this name and another one has."""
    keys = _keys(study)
    head, _, rest = key.partition(".")
    # What a sampler or a scheduler takes depends on which it is.
    if head in ("sampler", "scheduler") or f"{head}.{rest.partition('.')[0]}" in keys:
        return False
    return bool(of_the_same_name(key, keys))


def _rename(content: dict[str, Any], section: str, name: str) -> None:
    seed = content[section].get("seed")
    content[section] = {"name": name} if seed is None else {"name": name, "seed": seed}


def _make_room(content: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Let go of a sampler or scheduler that was not asked for now and does not go with what was:
    a population needs no sampler, and of several objectives none can stop a trial."""
    scheduler = given.get("scheduler")
    name = scheduler.get("name") if isinstance(scheduler, Mapping) else scheduler
    if name == "pbt" and "sampler" not in given:
        _rename(content, "sampler", "random")
    objective = given.get("objective")
    several = isinstance(objective, list | tuple) or "," in str(objective)
    if several and scheduler is None:
        content["scheduler"] = {"name": "none"}


def put(content: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    """Set a key of a study's content, section by section."""
    *sections, key = place
    for section in sections:
        content[section] = dict(content.get(section) or {})
        content = content[section]
    content[key] = value


def value_at(content: Any, key: str) -> Any:
    """The value of a key with dots in a study's content; None where it has none."""
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _values_of_chosen(content: Mapping[str, Any]) -> dict[str, Any]:
    chosen = content.get("chosen")
    return {key: value_at(content, key) for key in chosen} if isinstance(chosen, Mapping) else {}


def _forget_chosen(content: dict[str, Any], before: Mapping[str, Any]) -> None:
    """A value that the user states has no reason in the images any more."""
    if before:
        content["chosen"] = {
            key: reason
            for key, reason in content["chosen"].items()
            if value_at(content, key) == before[key]
        }


def _epochs(content: Mapping[str, Any]) -> int:
    return make_parameters(content["detector"], content["fixed"], "fixed").epochs
