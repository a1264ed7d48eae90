"""`deploy/slurm/search.sbatch` on a real Slurm of two nodes on one machine.

Run with `-m slurm -n 0`; needs `apt-get install slurm-wlm`, and root for nodes that are apart.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_cluster import Slurm, missing_programs

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[2]
SCRIPT = str(ROOT / "deploy" / "slurm" / "search.sbatch")
_RAY = """#!/bin/sh
# Stands in for Ray: the first node runs the command, the others wait for its end.
echo "$SLURMD_NODENAME token ${#RAY_AUTH_TOKEN} letters: $(printf %s "$*" | tr '\n' ' ')" >> "$TOLD"
[ "$SLURM_PROCID" = 0 ] || exec sleep 2
while [ "$1" != -- ]; do shift; done; shift; "$@"
"""


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    if missing := missing_programs():
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    folder.chmod(0o755)  # As munge asks.
    cluster = Slurm(folder / "s")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _path() -> str:
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def _go_on_in_the_middle(slurm: Slurm, folder: Path, *options: str) -> str:
    """What a search wrote whose job is queued again once a trial has ended, and that ends then."""
    results, output = folder / "results", folder / "output"
    number = slurm.submit(
        *options, "--mem=3000", f"--output={output}", f"--chdir={folder}",
        SCRIPT, "--name", "lines", "--results", str(results), "--trials", "4", "--epochs", "30",
        "--normal-class", "3", "--final-seeds", "1", "--set", "scheduler.name=none",
        variables={"PATH": _path(), "RAY_ADDRESS": ""},
    )  # fmt: skip
    journal = results / "studies" / "lines" / "trials.journal"

    def some_trial_has_ended(job: dict[str, str]) -> bool:
        assert job["JobState"] in ("PENDING", "RUNNING"), output.read_text()
        return journal.exists() and b'"state":1' in journal.read_bytes().replace(b" ", b"")

    slurm.wait(number, some_trial_has_ended, 600)
    # What --signal=B:TERM@120 does, without waiting for two minutes before the end.
    slurm.run("scancel", "--batch", "--signal=TERM", number)
    slurm.wait(number, lambda job: job["Restarts"] == "1", 120)
    slurm.wait(number, lambda job: job["JobState"] not in ("PENDING", "RUNNING"), 900)
    said = output.read_text()
    print(said)
    assert slurm.job(number)["JobState"] == "COMPLETED", said
    assert not Path(f"/tmp/ray-{number}").exists(), "nothing stays on the node"
    return said


def test_a_search_that_is_queued_again_in_the_middle_goes_on_to_its_end(
    slurm: Slurm, tmp_path: Path
) -> None:
    said = _go_on_in_the_middle(slurm, tmp_path, "--nodes=1", "--cpus-per-task=2")
    assert "queued again, and the study goes on" in said
    assert "search: 4 finished" in said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make networks")
def test_a_search_on_two_nodes_that_are_apart_uses_both_and_goes_on() -> None:
    if missing := missing_programs(apart=True):
        pytest.skip(f"not installed: {', '.join(missing)}")
    # Each node has a /tmp of its own.
    shared = Path(tempfile.mkdtemp(dir=ROOT.parent, prefix="slurm-"))
    cluster = Slurm(shared / "s", apart=True)
    try:
        cluster.start()
        said = _go_on_in_the_middle(cluster, shared, "--nodes=2", "--cpus-per-task=1")
        assert "On worker node. Connecting to Ray cluster at 10.77.0.1" in said
        assert "2 trials at once, each 1 CPU" in said, "a core of each node"
        assert "search: 4 finished" in said
    finally:
        cluster.stop()
        shutil.rmtree(shared, ignore_errors=True)


def test_a_job_on_two_nodes_starts_one_ray_over_both(slurm: Slurm, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ray").write_text(_RAY)
    (programs / "memgan").write_text('#!/bin/sh\necho "search: $*"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    told, output = tmp_path / "told", tmp_path / "output"
    number = slurm.submit(
        "--nodes=2", "--cpus-per-task=2", "--mem=1000", f"--output={output}", SCRIPT,
        "--name", "lines", "--results", str(tmp_path / "results"),
        variables={
            "PATH": f"{programs}:{_path()}", "TOLD": str(told), "MEMGAN_HEAD_IP": "127.0.0.1",
        },
    )  # fmt: skip
    slurm.wait(number, lambda job: job["JobState"] not in ("PENDING", "RUNNING"), 120)
    assert slurm.job(number)["JobState"] == "COMPLETED", output.read_text()
    lines = sorted(told.read_text().splitlines())
    assert [line.split()[0] for line in lines] == ["n1", "n2"]
    assert all("token 64 letters: symmetric-run" in line for line in lines)
    assert all("--min-nodes 2 --num-cpus=2" in line for line in lines)
    (search,) = [line for line in output.read_text().splitlines() if line.startswith("search:")]
    assert search.startswith("search: search --name lines")


def test_a_cancelled_job_stays_cancelled(slurm: Slurm, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "memgan").write_text(
        f"#!/bin/sh\ntrap 'exit 130' TERM\ntouch {tmp_path}/begun\nsleep 100 & wait $!\n"
    )
    (programs / "memgan").chmod(0o755)
    number = slurm.submit(
        "--nodes=1", "--cpus-per-task=1", "--mem=500", f"--output={tmp_path / 'output'}", SCRIPT,
        "--name", "lines", "--results", str(tmp_path / "results"),
        variables={"PATH": f"{programs}:{_path()}"},
    )  # fmt: skip
    slurm.wait(number, lambda job: (tmp_path / "begun").exists(), 60)
    slurm.run("scancel", number)
    slurm.wait(number, lambda job: job["JobState"] == "CANCELLED", 60)
    assert slurm.job(number)["Restarts"] == "0"
    assert not Path(f"/tmp/ray-{number}").exists()


def test_slurm_itself_warns_before_the_end_and_queues_the_job_again(
    slurm: Slurm, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "memgan").write_text(
        f"""#!/bin/sh
        [ ! -e {tmp_path}/begun ] || exit 0
        touch {tmp_path}/begun
        trap 'exit 130' TERM
        while :; do sleep 0.1; done
        """
    )
    (programs / "memgan").chmod(0o755)
    number = slurm.submit(
        "--nodes=1", "--cpus-per-task=1", "--mem=500", f"--output={tmp_path / 'output'}",
        "--time=2", SCRIPT, "--name", "lines", "--results", str(tmp_path / "results"),
        variables={"PATH": f"{programs}:{_path()}"},
    )  # fmt: skip
    slurm.wait(number, lambda job: job["JobState"] in ("COMPLETED", "TIMEOUT", "FAILED"), 300)
    job = slurm.job(number)
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1"), (
        tmp_path / "output"
    ).read_text()
