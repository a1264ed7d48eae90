"""Packages add detectors and sources; one that fails is named, and harms nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from made_plugins import DETECTOR, Install

from memgan.config import DETECTOR_PLUGINS, Configuration, DataConfig, parameters_type
from memgan.data import SOURCE_PLUGINS, SOURCES, describe_sources, load_source, source_name
from memgan.detectors import DETECTORS, detector_type
from memgan.errors import PluginFailed, UnknownName
from memgan.testing.source_suite import SourceSuite

BLOBS = """
import numpy as np
from memgan.data import LabeledImages, NamedSource, Source, conform

def load(config, download):
    images = np.random.default_rng(0).integers(0, 256, (30, 1, 8, 8), dtype=np.uint8)
    images = conform(images, config.image_size, config.channels)
    labels = np.arange(30) % 2
    return Source("whatever", LabeledImages(images, labels, ("good", "bad")), None)

PLUGIN = NamedSource("thirty small images", load, files=False)
FALSE = NamedSource("no images", lambda config, download: "nothing", files=False)
"""


def test_a_detector_of_another_package_is_configured_as_ours_are(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    configuration = Configuration(detector="far", parameters={"width": 3})

    assert configuration.parameters.model_dump() == {"epochs": 1, "width": 3}


def test_an_unknown_name_is_answered_with_those_of_plug_ins_too(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far-away": "memgan_far:PLUGIN"}})

    with pytest.raises(UnknownName, match=r"did you mean 'far-away'\? .*of plug-ins: .*far-away"):
        parameters_type("far-awya")
    with pytest.raises(UnknownName, match=r"far-away; if it is a plug-in's, install its package$"):
        detector_type("far-awya")


def test_a_plug_in_that_cannot_be_imported_is_named_in_one_line_and_harms_no_other(
    install: Install,
) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})
    install("broken", "import not_there", {"memgan.detectors": {"odd": "broken:PLUGIN"}})
    install("leaving", "raise SystemExit(3)", {"memgan.detectors": {"gone": "leaving:PLUGIN"}})

    with pytest.raises(PluginFailed) as told:
        parameters_type("odd")
    assert str(told.value) == (
        "detector 'odd' of broken 1.2 cannot be used (ModuleNotFoundError: No module named"
        " 'not_there'); mend that package or uninstall it"
    )
    with pytest.raises(PluginFailed, match=r"'gone' of leaving 1\.2"):
        parameters_type("gone")
    assert "width" in parameters_type("far").model_fields
    with pytest.raises(UnknownName, match="far, gone, odd"):
        parameters_type("nothing like it")
    assert [(s.name, s.fault is None) for s in DETECTOR_PLUGINS.states(DETECTORS)] == [
        ("far", True),
        ("gone", False),
        ("odd", False),
    ]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("PLUGIN = 3", "leads to int, and must lead to a memgan.config.DetectorPlugin"),
        ("", "has no attribute 'PLUGIN'"),
        (
            "from memgan.config import DetectorPlugin\nPLUGIN = DetectorPlugin(dict, 'a:b')",
            "parameters must be a subclass of memgan.config.DetectorParameters",
        ),
        (DETECTOR.replace("{module}:nothing", "nowhere"), 'as "module:Class"'),
        (DETECTOR.replace("{module}", "not_there"), "No module named 'not_there'"),
    ],
)
def test_what_is_no_detector_is_said_to_be_none(install: Install, code: str, why: str) -> None:
    install("odd", code, {"memgan.detectors": {"odd": "odd:PLUGIN"}})

    with pytest.raises(PluginFailed, match=why):
        parameters_type("odd")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("memgan_far:nothing", "has no attribute 'nothing'"),
        ("memgan_far:Parameters", "no subclass"),
    ],
)
def test_a_class_that_is_not_there_is_named_with_its_package(
    install: Install, where: str, why: str
) -> None:
    code = DETECTOR.replace("{module}:nothing", where)
    install("memgan-far", code, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    with pytest.raises(PluginFailed, match=rf"'far' of memgan-far 1\.2.*{why}"):
        detector_type("far")


def test_a_plug_in_takes_no_name_of_ours(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"pca": "memgan_far:PLUGIN"}})

    assert "components" in parameters_type("pca").model_fields
    (state,) = DETECTOR_PLUGINS.states(DETECTORS)
    assert state.fault is not None
    assert "hidden by the built-in detector" in state.fault


def test_a_name_that_two_packages_offer_is_refused_with_both(install: Install) -> None:
    install("one", DETECTOR, {"memgan.detectors": {"far": "one:PLUGIN"}})
    install("two", DETECTOR, {"memgan.detectors": {"far": "two:PLUGIN"}})

    with pytest.raises(PluginFailed, match=r"offered by one 1\.2 and two 1\.2; uninstall"):
        parameters_type("far")


def test_a_name_that_no_file_could_have_is_refused(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far/away": "memgan_far:PLUGIN"}})

    with pytest.raises(PluginFailed, match="other characters than"):
        parameters_type("far/away")


def test_a_package_with_damaged_metadata_hides_no_plug_in(install: Install) -> None:
    site = install("damaged", "", {})
    (site / "damaged-1.2.dist-info" / "entry_points.txt").write_bytes(b"[a]\n\xff\xfe = \xff\nno\n")
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    assert DETECTOR_PLUGINS.names() == ["far"]


def test_names_are_listed_without_importing_anything_of_a_plug_in(install: Install) -> None:
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})

    assert DETECTOR_PLUGINS.names() == ["far"]
    assert "memgan_far" not in sys.modules


def test_what_is_built_in_is_found_without_looking_at_installed_packages() -> None:
    code = (
        "import memgan.plugins, search\n"
        "def refuse(group): raise AssertionError('entry points were read')\n"
        "memgan.plugins._entries = refuse\n"
        "from memgan.config import Configuration\n"
        "search.Study.default().with_options(detector='pca', sampler='gp')\n"
        "Configuration(detector='memae')\n"
        "from memgan.data import load_source, source_name\n"
        "load_source(Configuration().data), source_name('mnist')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_source_of_another_package_is_loaded_by_its_name(install: Install) -> None:
    install("blobs", BLOBS, {"memgan.sources": {"blobs": "blobs:PLUGIN"}})

    source = load_source(DataConfig(source="blobs", image_size=(9, 9)))

    assert (source.name, source.train.image_shape) == ("blobs", (1, 9, 9))
    assert not source.benchmark  # so that its split is that of a user's own images
    assert source_name("blobs") == "blobs"
    assert source_name("somewhere/blobs.npz") == "blobs-files"
    with pytest.raises(UnknownName, match=r"did you mean 'blobs'\? known: digits, .*blobs"):
        load_source(DataConfig(source="blosb"))


class TestOfAPlugIn(SourceSuite):
    name = "blobs"

    @pytest.fixture(autouse=True)
    def installed(self, install: Install) -> None:
        install("blobs", BLOBS, {"memgan.sources": {"blobs": "blobs:PLUGIN"}})


def test_sources_are_listed_with_what_is_wrong_with_some(install: Install) -> None:
    install("blobs", BLOBS, {"memgan.sources": {"blobs": "blobs:PLUGIN"}})
    install("broken", "1 / 0", {"memgan.sources": {"odd": "broken:PLUGIN"}})

    rows = describe_sources(DataConfig())

    assert list(rows) == [*SOURCES, "blobs", "odd"]
    assert rows["blobs"] == ("thirty small images", "ready")
    assert "broken 1.2 cannot be used (ZeroDivisionError" in rows["odd"][1]


def test_a_source_that_gives_no_images_is_told_with_its_package(install: Install) -> None:
    install("blobs", BLOBS, {"memgan.sources": {"blobs": "blobs:FALSE"}})

    with pytest.raises(PluginFailed, match=r"'blobs' of blobs 1\.2.*gave str, and must give"):
        load_source(DataConfig(source="blobs"))


def test_a_source_that_is_none_is_refused(install: Install) -> None:
    install("blobs", BLOBS, {"memgan.sources": {"blobs": "blobs:load"}})

    with pytest.raises(PluginFailed, match=r"must lead to a memgan\.data\.NamedSource"):
        SOURCE_PLUGINS.find("blobs")
