"""Copies of a SQLite record that MLflow made; a server is started once."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow_servers import Door, Server
from told import FACTS, Told

from tracking.address import Location, resolve
from tracking.facts import TrialEpoch
from tracking.outbox.outbox import EXPERIMENT, Outbox
from tracking.outbox.record import Record


@pytest.fixture(autouse=True)
def _no_tracking_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture
def local_record(fresh_store: Path, tmp_path: Path) -> Location:
    """A real, empty SQLite record at the default place under `tmp_path / "results"`."""
    results = tmp_path / "results"
    results.mkdir(exist_ok=True)
    shutil.copy(fresh_store, results / "mlflow.db")
    return resolve(None, results)


@pytest.fixture(params=["sqlite", "server"])
def store(request: pytest.FixtureRequest) -> Location:
    """Each kind of real store in turn, empty or shared with other tests."""
    if request.param == "server":
        server: Server = request.getfixturevalue("server")
        return Location(uri=server.address)
    location: Location = request.getfixturevalue("local_record")
    return location


@pytest.fixture(scope="session")
def server(fresh_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for all; starting it takes eight seconds."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(fresh_store, folder / "mlflow.db")
    server = Server(resolve(None, folder), folder / "server.log")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def door(server: Server) -> Iterator[Door]:
    """An open door to the server."""
    door = Door(server.port)
    door.open()
    yield door
    door.shut()


@pytest.fixture
def study_name() -> str:
    """A name that no other test has used on the server."""
    return f"study {uuid.uuid4().hex[:8]}"


@pytest.fixture
def told(study_name: str, tmp_path: Path) -> Told:
    """A study of its own name, nothing told of it yet."""
    return Told(study_name, tmp_path / "results" / "studies")


@pytest.fixture(scope="session")
def _bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from memgan.bundle.bundle_of_cells import write_bundle
    from memgan.config.configuration import Configuration
    from memgan.config.typed import DataConfig
    from memgan.data import load_split
    from memgan.training.cells import train_cell

    folder = tmp_path_factory.mktemp("bundles")
    split = load_split(DataConfig(source="digits"))
    configuration = Configuration(
        detector="pca", parameters={"components": 4}, runtime={"device": "cpu"}
    )
    for name in ("3", "1"):
        cell = train_cell(configuration, split.development, split.test, name, seed=0)
        write_bundle(folder / name, configuration, split, [cell], 0.1)
    return folder


@pytest.fixture
def bundles(_bundles: Path, tmp_path: Path) -> dict[str, Path]:
    """Two small bundles, of digits 3 and 1, by class; a copy that a test may damage."""
    folder = shutil.copytree(_bundles, tmp_path / "bundles")
    return {name: folder / name for name in ("3", "1")}


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An outbox at a study's usual place that knows its experiment."""
    box = Outbox(tmp_path / "results" / "studies" / "digits" / "outbox.db")
    box.check()
    box.set_fact(EXPERIMENT, "digits")
    return box


@pytest.fixture
def record(outbox: Outbox) -> Record:
    """The record of the study `FACTS`."""
    return Record(outbox, FACTS)


@pytest.fixture
def tell_trial() -> Callable[..., None]:
    """Tells a whole trial of some epochs with two classes."""

    def tell(record: Record, trial_id: str, epochs: int = 3) -> None:
        record.trial_started(trial_id, {"learning_rate": 0.001, "memory_units": 25}, "all")
        for epoch in range(1, epochs + 1):
            aurocs = {"0": 0.5 + epoch / 10, "1": 0.7}
            record.trial_epoch(
                TrialEpoch(trial_id, epoch, aurocs, {"cycle": 1 / epoch}, 0.5, 900.0, 120.0)
            )
        record.trial_ended(trial_id, "FINISHED")

    return tell
