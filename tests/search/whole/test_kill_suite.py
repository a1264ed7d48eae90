"""Whatever is killed and whenever, a study ends as if nothing had been (marker `kill`).

Each round starts a real search on digits, kills one of its processes at a moment that the round's
seed draws, resumes where the driver was the victim, and holds journal, record and storage against
each other. Rounds with one trial at a time must end with the very configurations and the winner
of an undisturbed search. `MEMGAN_KILL_ROUNDS` and `MEMGAN_KILL_SEED` choose how many rounds, and
from which seed on.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from search.journal.journal import read_groups
from search.journal.outcomes import TrialOutcome
from search.results.study_folder import StudyFolder

pytestmark = [pytest.mark.kill, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("MEMGAN_KILL_ROUNDS", "25"))
FIRST_SEED = int(os.environ.get("MEMGAN_KILL_SEED", "0"))
VICTIMS = ("driver", "worker", "writer", "raylet", "node")
FATAL = ("driver", "raylet")
"""A driver ends with the Ray that it started; both are resumed."""
TRIALS, EPOCHS, INTERVAL = 5, 8, 2
STUDY: dict[str, Any] = {
    "data": {"source": "digits"},
    "normal_class": "0,8",
    "space": {
        "learning_rate": {"low": 1e-3, "high": 2e-2, "log": True},
        "memory_units": [4, 8],
    },
    "fixed": {"epochs": EPOCHS, "width": 2, "memory_dim": 4, "batch_size": 16},
    "budget": {"trials": TRIALS},
    "scheduler": {"name": "asha", "grace_epochs": 2, "reduction_factor": 2},
    "final": {"seeds": 1},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all rounds run; one record for all of them."""
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def undisturbed(home: Path) -> list[TrialOutcome]:
    """The trials of the same study with one trial at a time and nothing killed."""
    driver = _start(home, "undisturbed", at_once=1)
    assert driver.wait(400) == 0, (home / "undisturbed.err").read_text()
    return _trials(home, "undisturbed")


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_a_killed_study_ends_as_if_nothing_had_been(
    seed: int, home: Path, undisturbed: list[TrialOutcome]
) -> None:
    victim, name = VICTIMS[seed % len(VICTIMS)], f"round-{seed}"
    moment = random.Random(seed)
    at_once = 1 if victim != "node" and seed // len(VICTIMS) % 2 == 0 else 2
    with _two_nodes() if victim == "node" else contextlib.nullcontext() as nodes:
        address = nodes.address if nodes else None
        driver = _start(home, name, at_once, address)
        _wait_for_first_epoch(home, name, driver)
        time.sleep(moment.uniform(0, 4 if victim == "worker" else 8))
        killed = nodes.kill_second() if nodes else _kill(victim, driver, moment)
        while not killed and driver.poll() is None:
            # Between two trials, or before the finals, there may be no worker.
            time.sleep(0.05)
            killed = _kill(victim, driver, moment)
        if victim in FATAL and killed:
            failed = driver.wait(120) != 0
            # A Ray that is lost when the trials and finals are done is missed by nobody.
            assert failed or victim == "raylet"
            if failed:
                _lost_at_most_one_interval(home, name)
                driver = _start(home, name, at_once, resume=True)
        assert driver.wait(500) == 0, (home / f"{name}.err").read_text()
    document = json.loads((home / f"{name}.out").read_text())
    if document["waiting_events"]:
        _command(home, "sync", name).check_returncode()

    trials = _trials(home, name)
    assert [trial.trial_id for trial in trials] == [f"{number:04d}" for number in range(TRIALS)]
    assert {trial.state for trial in trials} <= {"finished", "stopped"}
    _record_equals_journal(home, name, document, trials)
    if at_once == 1:
        assert [t.values for t in trials] == [t.values for t in undisturbed]
        assert [t.val_auroc for t in trials] == [t.val_auroc for t in undisturbed]
        assert [t.state for t in trials] == [t.state for t in undisturbed]
    print(f"seed {seed}: {victim} {'killed' if killed else 'had ended'}, {at_once} at once")


def _start(
    home: Path, name: str, at_once: int, address: str | None = None, *, resume: bool = False
) -> subprocess.Popen[bytes]:
    file = home / f"{name}.yaml"
    study = {**STUDY, "name": name, "resources": {"checkpoint_epochs": INTERVAL}}
    study["resources"]["max_concurrent"] = at_once
    file.write_text(yaml.safe_dump(study))
    arguments = ["search", "--resume", name] if resume else ["search", str(file)]
    arguments += ["--json", *(["--address", address] if address else [])]
    with (home / f"{name}.out").open("wb") as out, (home / f"{name}.err").open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-c", _MAIN, *arguments],
            stdout=out,
            stderr=err,
            cwd=home,
            start_new_session=True,
        )


_MAIN = "from search.cli import main; main()"


def _command(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", _MAIN, *arguments], cwd=home, timeout=200, check=False
    )


def _trials(home: Path, name: str) -> list[TrialOutcome]:
    return read_groups(StudyFolder(home / "results", name).journal).get("", [])


def _wait_for_first_epoch(home: Path, name: str, driver: subprocess.Popen[bytes]) -> None:
    while not any(trial.epochs for trial in _trials(home, name)):
        assert driver.poll() is None, (home / f"{name}.err").read_text()
        time.sleep(0.2)


def _kill(victim: str, driver: subprocess.Popen[bytes], moment: random.Random) -> bool:
    """Whether there was still such a process to kill."""
    if victim == "driver":
        found = [driver.pid] if driver.poll() is None else []
    else:
        below = _descendants(driver.pid)
        found = [pid for pid, line in below.items() if _is(victim, line)]
    if not found:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(moment.choice(sorted(found)), signal.SIGKILL)
    return True


def _is(victim: str, line: bytes) -> bool:
    if victim == "writer":
        return b"tracking.outbox.deliverer" in line
    if victim == "raylet":
        return b"raylet/raylet" in line
    return line.startswith((b"ray::ImplicitFunc", b"ray::train_cell"))


def _descendants(pid: int) -> dict[int, bytes]:
    """The command line of every process below one, by process id."""
    parents, lines = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                stat = (entry / "stat").read_bytes()
                parents[int(entry.name)] = int(stat.rpartition(b")")[2].split()[1])
                lines[int(entry.name)] = (entry / "cmdline").read_bytes()
    below: dict[int, bytes] = {}
    front = {pid}
    while front := {child for child, parent in parents.items() if parent in front}:
        below |= {child: lines.get(child, b"") for child in front}
    return below


def _lost_at_most_one_interval(home: Path, name: str) -> None:
    import torch

    for trial in _trials(home, name):
        if trial.state == "unfinished" and trial.epochs:
            kept = 0
            if trial.checkpoint:
                file = StudyFolder(home / "results", name).tune / trial.checkpoint / "training.pt"
                kept = int(torch.load(file, weights_only=True)["epoch"])
            # An epoch may have been reported while its checkpoint was on its way.
            assert trial.epochs - kept <= INTERVAL, trial


def _record_equals_journal(
    home: Path, name: str, document: dict[str, Any], trials: list[TrialOutcome]
) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(document["tracking_uri"])
    runs = client.search_runs([document["experiment_id"]])
    keys = [run.data.tags["memgan.run_key"] for run in runs]
    assert len(keys) == len(set(keys)) == 1 + TRIALS + 1
    told = {"finished": "FINISHED", "stopped": "KILLED"}
    by_trial = {
        run.data.tags["memgan.trial_id"]: run
        for run in runs
        if run.data.tags["memgan.kind"] == "trial"
    }
    assert sorted(by_trial) == [trial.trial_id for trial in trials]
    for trial in trials:
        run = by_trial[trial.trial_id]
        assert run.info.status == told[trial.state]
        assert float(run.data.params["learning_rate"]) == trial.values["learning_rate"]
        history = client.get_metric_history(run.info.run_id, "val_auroc/mean")
        assert sorted(point.step for point in history) == list(range(1, trial.epochs + 1))
        assert run.data.metrics["val_auroc/mean"] == trial.mean
    others = [run.info.status for run in runs if run.data.tags["memgan.kind"] != "trial"]
    assert others == ["FINISHED"] * 2


class _Nodes:
    """Two nodes of Ray on this machine, one core each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self._second = self._cluster.add_node(num_cpus=1)
        self._cluster.wait_for_nodes()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def kill_second(self) -> bool:
        self._cluster.remove_node(self._second, allow_graceful=False)
        return True

    def shutdown(self) -> None:
        self._cluster.shutdown()


@contextlib.contextmanager
def _two_nodes() -> Iterator[_Nodes]:
    # Loopback alone, and open to whoever is on it: as a cluster that was started elsewhere.
    os.environ.update(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_AUTH_MODE="disabled")
    nodes = _Nodes()
    try:
        yield nodes
    finally:
        nodes.shutdown()
