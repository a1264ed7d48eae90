"""The packages of plug-ins that a study needs, here and on every node."""

from __future__ import annotations

from memgan.config import detector_package
from search.study.samplers import sampler_package
from search.study.study import Study


def packages_of_plugins(study: Study) -> dict[str, str]:
    """The packages that the study's detector and sampler come from, with their versions."""
    return {**detector_package(study.detector), **sampler_package(study.sampler.name)}
