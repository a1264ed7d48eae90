"""A store of another package takes a record at addresses of its own scheme."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from made_plugins import Install

from memgan.errors import BadInput, PluginFailed
from tracking import names
from tracking.address import Location, resolve
from tracking.cli.ui_server import server_command
from tracking.comparison.reader import open_store
from tracking.facts import TrialEpoch
from tracking.outbox.outbox import Outbox
from tracking.outbox.record import Record
from tracking.outbox.writer import start_writer
from tracking.registry.versions import StudyRun, register
from tracking.stores.opening import open_tracker
from tracking.testing.memory_tracker import MemoryTracker
from tracking.testing.tracker_suite import TrackerSuite

CODE = """
import json
from pathlib import Path
from tracking.testing import MemoryTracker

class Told(MemoryTracker):
    def __init__(self, uri):
        super().__init__()
        self.file = Path(uri.removeprefix("told://"))

    def log_batch(self, run_id, metrics, params, tags):
        super().log_batch(run_id, metrics, params, tags)
        with self.file.open("a") as file:
            for point in metrics:
                file.write(json.dumps([point.key, point.value]) + chr(10))

def half(uri):
    return object()
"""


@pytest.fixture(autouse=True)
def site(install: Install) -> Path:
    offered = {"told": "far_records:Told", "half": "far_records:half", "gone": "not_there:Told"}
    return install("far-records", CODE, {"tracking.trackers": offered})


class TestMinimal(TrackerSuite):
    """The suite as an author of a plug-in has it: nothing but the tracker given."""

    @pytest.fixture
    def tracker(self) -> MemoryTracker:
        return MemoryTracker()


def test_an_address_of_its_scheme_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve(f"told://{tmp_path}/record").uri == f"told://{tmp_path}/record"
    assert resolve(f"told://{tmp_path}/record").artifact_root is None


def test_an_unknown_scheme_is_answered_with_mlflows_and_those_of_plug_ins() -> None:
    with pytest.raises(BadInput, match=r"http\(s\)://.*, or a plug-in's: .*told://…"):
        resolve("tld:///record")


def test_the_writers_process_delivers_to_it(
    record: Record, outbox: Outbox, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site)]))
    record.trial_started("0001", {"learning_rate": 0.001}, "all")
    record.trial_epoch(TrialEpoch("0001", 1, {"0": 0.5}, {"cycle": 1.0}, 0.5, 900.0, 120.0))
    record.trial_ended("0001", "FINISHED")

    writer = start_writer(outbox.path, f"told://{tmp_path}/record", "digits")
    writer.wait_ready()
    assert writer.drain() == 0

    lines = (tmp_path / "record").read_text().splitlines()
    assert [names.val_auroc("0"), 0.5] in [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (
            "half:///record",
            r"'half' of far-records 1\.2.*object lacks find_experiment, experiments",
        ),
        ("gone:///record", r"'gone' of far-records 1\.2.*No module named 'not_there'"),
    ],
)
def test_what_cannot_be_opened_is_named_in_one_line_with_its_package(uri: str, why: str) -> None:
    with pytest.raises(PluginFailed, match=why):
        open_tracker(uri)
    with pytest.raises(PluginFailed, match=why):
        open_store(Location(uri=uri))


def test_what_cannot_be_imported_is_told_before_anything_begins() -> None:
    with pytest.raises(PluginFailed, match=r"'gone' of far-records 1\.2"):
        resolve("gone:///record")


def test_mlflows_own_commands_say_that_it_is_not_mlflows() -> None:
    location = resolve("told:///record")
    with pytest.raises(BadInput, match=r"MLflow's UI cannot show; .*memgan compare"):
        server_command(location, 5000)
    with pytest.raises(BadInput, match="has no Model Registry; give MLflow's address"):
        register("n", {}, {}, StudyRun(location, "digits", "k"))
