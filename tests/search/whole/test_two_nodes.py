"""Clusters as a team starts them: two nodes by `ray start`, with a token (marker `slow`)."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from search.journal.journal import read_groups
from search.results.study_folder import StudyFolder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[3]
SMALL = ["--trials", "4", "--normal-class", "0,1", "--final-seeds", "1"]


class Nodes:
    """A head and one more node, each with one core; `environment` is what commands need."""

    def __init__(self, home: Path) -> None:
        self.port, self.dashboard = _free_port(), _free_port()
        self.address = ""
        token = home / "token"
        token.write_text(secrets.token_hex(32))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        self.environment = {
            **kept,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        self._home = home
        self._started: list[subprocess.Popen[bytes]] = []

    def start_head(self) -> None:
        """The head, whose address is known from then on."""
        arguments = ["--head", f"--port={self.port}", "--dashboard-host=127.0.0.1"]
        arguments += [f"--dashboard-port={self.dashboard}", f"--temp-dir={self._home}/1"]
        self._start(arguments, self.environment)
        self.address = f"{_own_ip()}:{self.port}"
        self._wait_for(1)

    def start_second(self, *prefix: str, **environment: str) -> subprocess.Popen[bytes]:
        """Another node, under a command prefix and changes to its environment."""
        there = {**self.environment, **environment}
        # Of its own, as two nodes of one session would unpack a job's code over each other's.
        arguments = [f"--address={self.address}", f"--temp-dir={self._home}/2"]
        node = self._start(arguments, there, *prefix)
        self._wait_for(2)
        return node

    def memgan(self, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
        """A running `memgan`."""
        return subprocess.Popen(
            [BIN / "memgan", *arguments],
            cwd=cwd,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        """End all that was started."""
        for process in reversed(self._started):
            kill_group(process)

    def _start(
        self, arguments: list[str], environment: dict[str, str], *prefix: str
    ) -> subprocess.Popen[bytes]:
        command = [*prefix, str(BIN / "ray"), "start", "--block", "--num-cpus=1", *arguments]
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def _wait_for(self, nodes: int) -> None:
        program = (
            "import ray, sys; ray.init(sys.argv[1], log_to_driver=False, logging_level='ERROR');"
            "print(sum(node['Alive'] for node in ray.nodes()))"
        )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found = subprocess.run(
                [sys.executable, "-c", program, self.address],
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if found.stdout.strip() == str(nodes):
                return
            time.sleep(1)
        raise AssertionError(found.stderr)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _own_ip() -> str:
    from ray._private.services import get_node_ip_address

    return str(get_node_ip_address())


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    home = Path("/tmp") / f"r{os.urandom(3).hex()}"  # Short, as sockets lie below it.
    home.mkdir()
    started = Nodes(home)
    try:
        started.start_head()
        yield started
    finally:
        started.stop()
        subprocess.run(["rm", "-rf", home], check=False)


def test_a_search_goes_on_when_a_node_is_killed(nodes: Nodes, tmp_path: Path) -> None:
    second = nodes.start_second()
    driver = nodes.memgan(
        "search", "--name", "mine", "--address", nodes.address, "--epochs", "30", "--json",
        *SMALL, "--scheduler", "none", "--set", "resources.checkpoint_epochs=2", cwd=tmp_path,
    )  # fmt: skip
    journal = StudyFolder(tmp_path / "results", "mine").journal
    while sum(trial.epochs > 3 for trial in read_groups(journal).get("", [])) < 2:
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.2)
    kill_group(second)
    out, err = driver.communicate(timeout=600)
    assert driver.returncode == 0, err
    document = json.loads(out)
    assert document["trials"] == {"finished": 4, "stopped": 0, "failed": 0, "unfinished": 0}
    assert "2 trials at once" in err


def test_a_submitted_job_searches_with_the_code_it_brings(nodes: Nodes, tmp_path: Path) -> None:
    nodes.start_second()
    results = tmp_path / "results"

    def submit(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "ray", "job", "submit", "--address", f"http://127.0.0.1:{nodes.dashboard}",
             "--working-dir", ".", "--", "memgan", "search", "--name", "mine", *SMALL,
             "--epochs", "2", *arguments],
            cwd=ROOT, env=nodes.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    refused = submit()
    assert refused.returncode != 0
    assert "working folder does not outlive it" in refused.stdout
    done = submit("--results", str(results))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (results / "studies" / "mine" / "export" / "best.yaml").exists()


def test_nobody_without_the_token_is_let_in(nodes: Nodes, tmp_path: Path) -> None:
    del nodes.environment["RAY_AUTH_TOKEN_PATH"]
    nodes.environment["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    stranger = nodes.memgan("search", "--address", nodes.address, cwd=tmp_path)
    out, err = stranger.communicate(timeout=120)
    assert (stranger.returncode, out) == (2, "")
    assert f"no Ray at {nodes.address}" in err
    assert not (tmp_path / "results").exists()


def test_a_node_of_another_version_and_without_the_storage_is_told_of(
    nodes: Nodes, tmp_path: Path
) -> None:
    other = tmp_path / "site" / "memgan-9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: memgan\nVersion: 9.9\n")
    results = tmp_path / "results"
    results.mkdir()
    (results / "kept").write_text("")  # An empty folder would be cleared away.
    # A disk of its own under the same path, as on a machine that lacks the mount.
    apart = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {results} && exec "$@"', "sh")
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    nodes.start_second(*apart, PYTHONPATH=f"{other.parent}:{ROOT}")

    for command in ("search", "doctor"):
        refused = nodes.memgan(command, "--address", nodes.address, cwd=tmp_path)
        out, err = refused.communicate(timeout=120)
        told = f"has memgan 9.9, and this machine {version('memgan')}"
        assert told in (err if command == "search" else out), err
        assert "does not see what is written here" in (err if command == "search" else out)
        if command == "search":
            assert (refused.returncode, out) == (2, "")
            faults = [line for line in err.splitlines() if not line.endswith(" …")]
            assert all(line.startswith("memgan: node ") for line in faults), err
            assert [path.name for path in results.iterdir()] == ["kept"]
        else:
            assert refused.returncode == 1
