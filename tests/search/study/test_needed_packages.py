"""What a study needs beside memgan: the packages of the plug-ins that its trials use."""

from __future__ import annotations

from made_plugins import DETECTOR, Install

from search.study.needed_packages import packages_of_plugins
from search.study.study import Study


def test_a_study_of_what_is_built_in_needs_no_package(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"memgan": "memgan_far:PLUGIN"}})

    assert packages_of_plugins(Study.default()) == {}


def test_a_study_with_a_detector_of_a_plug_in_needs_its_package(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    study = Study.default().with_options(detector="far")

    assert packages_of_plugins(study) == {"memgan-far": "1.2"}
