"""A study with a detector of another package: its default space, and the packages that it needs."""

from __future__ import annotations

import pytest
from made_plugins import DETECTOR, Install

from memgan.errors import PluginFailed
from search.study.study import Study, packages_of_plugins


def test_a_study_of_what_is_built_in_needs_no_package(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"memgan": "memgan_far:PLUGIN"}})

    assert packages_of_plugins(Study.default()) == {}


def test_a_default_space_that_its_detector_does_not_take_is_the_packages_fault(
    install: Install,
) -> None:
    code = DETECTOR.replace('"width": [1, 2, 3]', '"wdth": [1, 2, 3]')
    install("memgan-far", code, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    with pytest.raises(PluginFailed, match=r"'far' of memgan-far 1\.2.*unknown key 'wdth'"):
        Study.default().with_options(detector="far")


def test_a_study_with_a_detector_of_a_plug_in_needs_its_package(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    study = Study.default().with_options(detector="far")

    assert packages_of_plugins(study) == {"memgan-far": "1.2"}
