"""Outages as long as they come: a driver and its writer before a real server, minutes in all.

    pytest -m outage tests/tracking

prints a table of how long the driver was held up by the record.
docs/explanation/reliability.md keeps it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import told as told_module
from mlflow_servers import Door, Server, Trouble
from told import EPOCHS, Told

from tracking.address import resolve

pytestmark = [pytest.mark.outage, pytest.mark.timeout(600)]

MINUTE = 60.0
A_WHILE = 20.0


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    rows: list[str] = []
    yield rows
    capture = request.config.pluginmanager.getplugin("capturemanager")
    header = [
        "",
        "| outage | steps told | blocked, s | last call, s | waiting then | HTTP calls a trial |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    with capture.global_and_fixture_disabled():
        print("\n".join(header + rows))


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Callable[[bool], None]]:
    """A disk of its own at `folder`; gives (full?) -> nothing, which fills it or makes room."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    ballast = folder / "ballast"

    def fill(full: bool) -> None:
        if not full:
            ballast.unlink()
            return
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"0" * 4096)

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Driver:
    """A driver in a process of its own that tells a study for some seconds."""

    def __init__(self, name: str, results: Path, uri: str, seconds: float, **more: object) -> None:
        folder = results / "studies"
        self.results, self.uri, self.name = results, uri, name
        self.told = Told(name, folder, study_id=name, silent=True)
        self._said = results.parent / f"{name}.out"
        request = {"folder": str(folder), "uri": uri, "name": name, "study_id": name}
        request |= {"seconds": seconds, **more}
        with self._said.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, told_module.__file__, json.dumps(request)],
                stdout=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        deadline = time.monotonic() + 90
        while not self._said.read_text():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def ended(self) -> dict[str, object]:
        """Its last words, once it has ended."""
        self.process.wait(400)
        return self.told.replay(self._said.read_text())

    def sync(self) -> dict[str, object]:
        """What `memgan sync` says."""
        main = [sys.executable, "-c", "from search.cli import main; main()"]
        done = subprocess.run(
            [*main, "sync", self.name, "--results", str(self.results), "--json"],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        (study,) = json.loads(done.stdout)["studies"]
        return study


def calls_by_trial(told: Told, door: Door) -> list[int]:
    """Requests that name a trial, by its key or by its run."""
    found = []
    for key in told.statuses:
        if key != told.record.study_key:
            run_id = told.record.run_id(key) or key
            marks = (key.encode(), run_id.encode())
            asked = [call.path.encode() + call.body for call in door.calls]
            found.append(sum(any(mark in text for mark in marks) for text in asked))
    return found


Row = Callable[..., None]


@pytest.fixture
def row(table: list[str]) -> Row:
    """(kind, the driver's last words, a door) -> nothing; holds the driver to five seconds."""

    def add(kind: str, driver: Driver, said: dict[str, object], door: Door | None = None) -> None:
        last_call = said.get("last_call")
        cells = (
            kind,
            said["calls"],
            f"{said['blocked']:.2f}",
            "killed" if last_call is None else f"{last_call:.0f}",
            said.get("waiting", ""),
            max(calls_by_trial(driver.told, door)) if door else "",
        )
        table.append(f"| {' | '.join(map(str, cells))} |")
        assert isinstance(said["blocked"], float)
        assert said["blocked"] < 5
        assert last_call is None or last_call < 65

    return add


@pytest.fixture
def drive(tmp_path: Path, study_name: str) -> Callable[..., Driver]:
    def start(uri: str, seconds: float, **more: object) -> Driver:
        return Driver(study_name.replace(" ", "-"), tmp_path / "results", uri, seconds, **more)

    return start


Drive = Callable[..., Driver]


def test_nothing_wrong(drive: Drive, server: Server, door: Door, row: Row) -> None:
    driver = drive(door.address, 30.0)
    said = driver.ended()
    assert said["waiting"] == 0
    driver.told.assert_arrived(server.address)
    row("none", driver, said, door)
    # Looked for, made, its parameters, a batch an epoch, ended; its figure's place, the figure.
    assert max(calls_by_trial(driver.told, door)) <= 3 + EPOCHS + 1 + 2


def test_stopped_for_a_minute(drive: Drive, server: Server, row: Row) -> None:
    driver = drive(server.address, MINUTE + 20)
    time.sleep(5)
    server.kill()
    time.sleep(MINUTE)
    server.start()
    said = driver.ended()
    assert said["waiting"] == 0
    driver.told.assert_arrived(server.address)
    row("stopped for a minute", driver, said)


def test_stopped_before_the_end_and_back_later(drive: Drive, server: Server, row: Row) -> None:
    driver = drive(server.address, A_WHILE)
    time.sleep(A_WHILE / 2)
    server.kill()
    said = driver.ended()
    assert said["waiting"] > 0
    (line,) = said["lines"]
    assert line.startswith(f"{said['waiting']} events wait for the tracking store (")
    server.start()
    assert driver.sync()["delivered"] == said["waiting"]
    driver.told.assert_arrived(server.address)
    row("stopped before the end, back later", driver, said)


def test_hanging_for_a_minute(drive: Drive, server: Server, row: Row) -> None:
    driver = drive(server.address, MINUTE + 20)
    time.sleep(5)
    server.signal(signal.SIGSTOP)
    time.sleep(MINUTE)
    server.signal(signal.SIGCONT)
    said = driver.ended()
    if said["waiting"]:
        driver.sync()
    driver.told.assert_arrived(server.address)
    row("taking calls without an answer for a minute", driver, said)


def test_hanging_while_the_driver_ends(drive: Drive, server: Server, row: Row) -> None:
    driver = drive(server.address, A_WHILE, last_call=10.0)
    time.sleep(A_WHILE - 5)
    server.signal(signal.SIGSTOP)
    said = driver.ended()
    server.signal(signal.SIGCONT)
    assert said["waiting"] > 0
    assert said["last_call"] < 12
    driver.sync()
    driver.told.assert_arrived(server.address)
    row("without an answer at the end (last call cut to 10 s)", driver, said)


def test_slow(drive: Drive, server: Server, door: Door, row: Row) -> None:
    door.rule = lambda call: Trouble(delay=2.0)
    driver = drive(door.address, MINUTE)
    said = driver.ended()
    if said["waiting"]:
        driver.sync()
    driver.told.assert_arrived(server.address)
    row("2 s a call", driver, said, door)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_turning_all_away(drive: Drive, server: Server, door: Door, row: Row, status: int) -> None:
    driver = drive(door.address, A_WHILE + 15)
    time.sleep(5)
    door.rule = lambda call: Trouble(status=status)
    time.sleep(A_WHILE)
    door.rule = lambda call: None
    said = driver.ended()
    assert (said["waiting"], said["refused"]) == (0, [])
    driver.told.assert_arrived(server.address)
    row(f"answering {status} for {A_WHILE:.0f} s", driver, said, door)


def test_its_disk_full(drive: Drive, fresh_store: Path, tmp_path: Path, row: Row) -> None:
    with small_disk(tmp_path / "disk", 8) as fill:
        shutil.copy(fresh_store, tmp_path / "disk" / "mlflow.db")
        server = Server(resolve(None, tmp_path / "disk"), tmp_path / "server.log")
        server.start()
        try:
            driver = drive(server.address, A_WHILE + 15)
            time.sleep(5)
            fill(True)
            time.sleep(A_WHILE)
            fill(False)
            said = driver.ended()
            assert (said["waiting"], said["refused"]) == (0, [])
            driver.told.assert_arrived(server.address)
        finally:
            server.kill()
    row(f"its disk full for {A_WHILE:.0f} s", driver, said)


def test_the_disk_of_the_outbox_full(
    drive: Drive, server: Server, tmp_path: Path, row: Row
) -> None:
    with small_disk(tmp_path / "results", 4) as fill:
        driver = drive(server.address, A_WHILE + 15)
        time.sleep(5)
        fill(True)
        time.sleep(A_WHILE)
        fill(False)
        said = driver.ended()
        assert (said["waiting"], said["lost"], said["refused"]) == (0, 0, [])
        driver.told.assert_arrived(server.address)
    row(f"disk of the outbox full for {A_WHILE:.0f} s", driver, said)


def test_the_disk_of_the_outbox_full_until_the_end(
    drive: Drive, server: Server, tmp_path: Path, row: Row
) -> None:
    with small_disk(tmp_path / "results", 4) as fill:
        driver = drive(server.address, A_WHILE, last_call=10.0)
        time.sleep(A_WHILE / 2)
        fill(True)
        said = driver.ended()
        assert said["lost"] > 0
        assert any(
            f"{said['lost']} events of the record are lost" in line for line in said["lines"]
        )
        fill(False)
        assert driver.sync()["waiting"] == 0
    row("disk of the outbox full until the end (last call cut to 10 s)", driver, said)


def test_driver_and_writer_killed_while_it_was_away(drive: Drive, server: Server, row: Row) -> None:
    driver = drive(server.address, A_WHILE, die=True)
    time.sleep(A_WHILE / 2)
    server.kill()
    said = driver.ended()
    assert driver.process.returncode == -signal.SIGKILL
    assert driver.told.outbox.count_waiting() > 0
    server.start()
    assert driver.sync()["waiting"] == 0
    driver.told.assert_arrived(server.address)
    row("stopped, then driver and writer killed", driver, said)
