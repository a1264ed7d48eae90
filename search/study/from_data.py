"""A study without a study file: what it asks follows from the images, the machine and the options.

The embedded study is for digits; another source gets values of its own, each with its reason in
the study's `chosen`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from memgan.config import parse, read_settings
from memgan.errors import BadInput
from memgan.proposals import data_facts, few_steps, machine_facts, propose, shown
from search.study.overrides import apply_options, apply_settings, default_space, put, value_at
from search.study.study import Study, default_study_file

_LARGE = 128 * 128
_SECTIONS = ("data", "budget", "scheduler", "resources")


def begun_study(
    study_file: Path | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    settings: Sequence[str] = (),
    *,
    download: bool = False,
) -> Study:
    """The study that `memgan search` begins with: of a file, of a source of the user's, or the
    embedded one; under options and settings as `Study.from_yaml` takes them.

    download: whether a named data set may be fetched, as its images are looked at. Errors are those
    of `Study.from_yaml` and, where only a source is given, of `load_source`.
    """
    source = read_settings(settings).get("data.source", options.get("source"))
    if study_file is not None or source in (None, "digits"):
        return Study.from_yaml(study_file or default_study_file(), options, settings)
    return study_of_data(options, settings, download=download)


def study_of_data(
    options: Mapping[str, Any], settings: Sequence[str] = (), *, download: bool = False
) -> Study:
    """A study of the source that options or settings name; what they do not state is chosen from
    the images and the machine (`memgan.proposals`), and `chosen` says why."""
    detector = options.get("detector") or "memgan"
    content: dict[str, Any] = {
        "detector": detector,
        "space": default_space(detector),
        "fixed": {},
        "start_from": [],
        "sampler": {"name": "tpe"},
        "scheduler": {"name": "asha"},
        **{section: {} for section in ("data", "budget", "resources", "final")},
    }
    plain = parse(Study, content, "options")
    try:
        apply_options(content, options)
        apply_settings(content, settings, study=Study)
        asked = parse(Study, content, "options")
    except BadInput:
        # One by one, so that the message names the place where the fault stands.
        plain.with_options(**options).with_settings(settings)
        raise
    found = propose(
        data_facts(asked.data, asked.normal_class, download=download),
        machine_facts(asked.resources.device),
        detector,
        _stated(content),
    )
    for proposal in found:
        put(content, tuple(proposal.key.split(".")), proposal.value)
    content["chosen"] = {proposal.key: proposal.reason for proposal in found}
    return parse(Study, content, "options")


def choice_lines(study: Study) -> list[str]:
    """What was chosen from the images and why, a line each; none where all was stated."""
    content = study.model_dump(mode="json")
    return [
        f"{key} {shown(value_at(content, key))}: {reason}"
        for key, reason in (study.chosen or {}).items()
    ]


def doubtful_lines(study: Study, images: int, image_shape: tuple[int, int, int]) -> list[str]:
    """What a study asks that follows from no look at its images: too few steps, or images so large
    that nobody may have meant it. images: of a normal class, to train on."""
    resting = study.search_space.resting
    lines = []
    if study.data.image_size is None and math.prod(image_shape[1:]) > _LARGE:
        lines.append(
            f"images are trained on as they are, at {shown(image_shape[1:])}; data.image_size makes"
            " them smaller and trials faster"
        )
    if "batch_size" in resting:
        lines.append(few_steps(images, int(resting["batch_size"]), study.epochs) or "")
    return [line for line in lines if line]


def as_begun(study: Study, begun: Study) -> Study:
    """`study` with what was chosen for it, and not stated, as the study of its name has it: another
    machine, or more images, would choose otherwise."""
    if study.detector != begun.detector or study.scheduler.name != begun.scheduler.name:
        return study
    content, before = study.model_dump(mode="json"), begun.model_dump(mode="json")
    for key in study.chosen or {}:
        if (value := value_at(before, key)) is not None:
            put(content, tuple(key.split(".")), value)
    if study.chosen is not None:
        content["chosen"] = begun.chosen
    return parse(Study, content, "options")


def _stated(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the user states, by keys with dots; what is searched counts as stated."""
    stated = {
        f"{section}.{key}": value
        for section in _SECTIONS
        for key, value in content[section].items()
    }
    searched = {**content["space"], **content["fixed"]}
    return stated | {f"fixed.{key}": value for key, value in searched.items()}
