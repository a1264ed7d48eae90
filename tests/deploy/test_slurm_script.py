"""What `deploy/slurm/search.sbatch` does, with stand-ins for Slurm's commands, Ray and memgan."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from parsed import parsed

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm" / "search.sbatch"
_STUBS = {
    # Runs what follows its own options, as on one node.
    "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
    "squeue": 'echo "$STATE"',
    "scontrol": 'echo "$@" >> "$TOLD/scontrol"',
    "memgan": """
        printf '%s\\n' memgan "$@" > "$TOLD/memgan"
        env > "$TOLD/environment"
        trap 'echo told; exit 130' TERM
        while [ -n "$LASTS" ]; do sleep 0.05; done
        exit "$CODE"
    """,
    "ray": """
        printf '%s\\n' "$@" > "$TOLD/ray"
        while [ "$1" != -- ]; do shift; done; shift; "$@"; code=$?
        exit "${RAY_ENDS_WITH:-$code}"
    """,
}
_ARGUMENTS = ["study.yaml", "--name", "lines", "--results", "/scratch/lines"]


class Job:
    """The script as Slurm would start it; `told` has what the stand-ins were given."""

    def __init__(self, folder: Path, arguments: list[str], variables: dict[str, str]) -> None:
        self.told = folder
        programs = folder / "bin"
        programs.mkdir()
        for name, body in _STUBS.items():
            (programs / name).write_text(f"#!/bin/sh\n{body}\n")
            (programs / name).chmod(0o755)
        self.process = subprocess.Popen(
            ["bash", str(SCRIPT), *arguments],
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "TOLD": str(folder),
                "CODE": "0",
                "LASTS": "",
                "STATE": "RUNNING",
                "SLURM_JOB_ID": f"test-{os.getpid()}" if "SLURM_JOB_NUM_NODES" not in variables
                else str(os.getpid()),
                "SLURM_CPUS_PER_TASK": "3",
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def warn(self) -> None:
        """What --signal=B:TERM@120 does, once the search runs."""
        deadline = time.monotonic() + 60
        while not (self.told / "environment").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        self.process.send_signal(signal.SIGTERM)

    def words(self, name: str) -> list[str]:
        """What a stand-in was given, word by word."""
        path = self.told / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Job]:
    def begin(arguments: list[str] | None = None, **variables: str) -> Job:
        return Job(tmp_path, _ARGUMENTS if arguments is None else arguments, variables)

    return begin


def test_a_shell_reads_it() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


def test_it_asks_for_a_warning_and_to_be_queued_again() -> None:
    asked = [line.split()[1] for line in SCRIPT.read_text().splitlines() if "#SBATCH" in line]
    assert {"--signal=B:TERM@120", "--requeue", "--open-mode=append"} <= set(asked)


def test_one_node_searches_with_the_jobs_cores_and_a_command_that_goes_on(
    start: Callable[..., Job],
) -> None:
    job = start()
    assert job.end()[0] == 0
    found = parsed(job.words("memgan"))
    assert found["resume_or_start"]
    assert (found["name"], found["max_concurrent"]) == ("lines", 3)
    environment = dict(line.partition("=")[::2] for line in job.words("environment"))
    assert len(environment["RAY_TMPDIR"]) < 40, "Ray's sockets want a short path"
    assert environment["XDG_STATE_HOME"].startswith(environment["RAY_TMPDIR"])
    assert not Path(environment["RAY_TMPDIR"]).exists(), "nothing stays on the node"


def test_what_is_given_wins(start: Callable[..., Job]) -> None:
    job = start([*_ARGUMENTS, "--max-concurrent=1"])
    job.end()
    assert parsed(job.words("memgan"))["max_concurrent"] == 1


def test_several_nodes_share_a_ray_with_a_token(start: Callable[..., Job]) -> None:
    job = start(
        SLURM_JOB_NUM_NODES="2",
        SLURM_GPUS_ON_NODE="4",
        SLURM_MEM_PER_NODE="1000",
        MEMGAN_HEAD_IP="10.0.0.5",
    )
    assert job.end()[0] == 0
    words = job.words("ray")
    assert words[0] == "symmetric-run"
    address = words[words.index("--address") + 1]
    assert address.startswith("10.0.0.5:")
    assert words[words.index("--min-nodes") + 1] == "2"
    assert {"--num-cpus=3", "--num-gpus=4", "--memory=629145600"} <= set(words)
    found = parsed(job.words("memgan"))
    assert (found["address"], found["resume_or_start"]) == (address, True)
    environment = dict(line.partition("=")[::2] for line in job.words("environment"))
    assert environment["RAY_AUTH_MODE"] == "token"
    assert len(environment["RAY_AUTH_TOKEN"]) == 64


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_a_job_whose_time_is_nearly_over_stops_in_order_and_is_queued_again(
    start: Callable[..., Job], nodes: str
) -> None:
    job = start(LASTS="yes", SLURM_JOB_NUM_NODES=nodes, MEMGAN_HEAD_IP="10.0.0.5")
    job.warn()
    code, said = job.end()
    assert (code, "told" in said) == (130, True)
    assert job.words("scontrol") == [f"requeue {os.getpid()}"]


@pytest.mark.parametrize("code", ["0", "2", "130"])
def test_the_searchs_exit_code_counts_and_not_that_of_rays_end(
    start: Callable[..., Job], code: str
) -> None:
    # Seen with two nodes: the search was done, and `ray symmetric-run` failed in ending Ray.
    job = start(CODE=code, SLURM_JOB_NUM_NODES="2", MEMGAN_HEAD_IP="10.0.0.5", RAY_ENDS_WITH="1")
    assert job.end()[0] == int(code)


def test_a_job_that_somebody_cancels_is_not_queued_again(start: Callable[..., Job]) -> None:
    job = start(LASTS="yes", STATE="COMPLETING")
    job.warn()
    assert job.end()[0] == 130
    assert job.words("scontrol") == []


@pytest.mark.parametrize("code", ["0", "1", "2"])
def test_a_job_that_ends_by_itself_is_not_queued_again(
    start: Callable[..., Job], code: str
) -> None:
    job = start(CODE=code)
    assert job.end()[0] == int(code)
    assert job.words("scontrol") == []


@pytest.mark.parametrize("left_out", ["--name", "--results"])
def test_what_a_study_needs_to_be_found_again_is_asked_for(
    start: Callable[..., Job], left_out: str
) -> None:
    place = _ARGUMENTS.index(left_out)
    job = start([*_ARGUMENTS[:place], *_ARGUMENTS[place + 2 :]])
    code, said = job.end()
    assert (code, left_out in said) == (2, True)
    assert job.words("memgan") == []
