"""`memgan doctor` tries every plug-in, and says what is wrong with each."""

from __future__ import annotations

from made_plugins import DETECTOR, Install

from search.cli.plugin_states import plugin_states

WORKING = """
import memgan.detectors
from memgan.config import DetectorParameters, DetectorPlugin

class Nearest(memgan.detectors.Detector):
    name = "nearest"

PLUGIN = DetectorPlugin(DetectorParameters, "{module}:Nearest")
ODD = DetectorPlugin(DetectorParameters, "{module}:Nearest", {{"width": [1, 2]}})
"""


def test_each_is_tried_to_the_end_and_told_with_its_package(install: Install) -> None:
    both = {"near": "memgan_near:PLUGIN", "odd": "memgan_near:ODD"}
    install("memgan-near", WORKING, {"memgan.detectors": both})
    install("memgan-far", DETECTOR, {"memgan.detectors": {"far": "memgan_far:PLUGIN"}})
    broken = {"search.samplers": {"slow": "broken:A"}, "memgan.sources": {"none": "broken:B"}}
    install("broken", "import not_there", broken)

    states = {state.name: state for state in plugin_states()}

    assert list(states) == ["far", "near", "odd", "none", "slow"]
    assert states["near"].fault is None
    assert states["near"].package == "memgan-near 1.2"
    faults = {name: state.fault or "" for name, state in states.items()}
    assert "has no attribute 'nothing'" in faults["far"]
    assert "detector 'odd' of memgan-near 1.2 cannot be used" in faults["odd"]
    assert "width" in faults["odd"]
    for name in ("none", "slow"):
        assert "No module named 'not_there'" in faults[name]
        assert "\n" not in faults[name]
