"""A Slurm of its own on one machine: munged, slurmctld and two slurmd, from Debian's `slurm-wlm`,
with everything they write in one folder. Both nodes are on loopback, or they are apart: each has a
network, processes and a /tmp of its own, joined by a virtual cable, which only root can lay."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tracking.cli.ui_server import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel", "srun")
_FOR_APART = ("ip", "nsenter", "unshare")
_ADDRESSES = {"n1": "10.77.0.1", "n2": "10.77.0.2"}
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def missing_programs(*, apart: bool = False) -> list[str]:
    """What this machine lacks to run one."""
    wanted = [*PROGRAMS, *(_FOR_APART if apart else ())]
    return [name for name in wanted if shutil.which(name, path=_PATH) is None]


class Slurm:
    """Two nodes, n1 and n2, each with two cores by its own account."""

    def __init__(self, folder: Path, *, apart: bool = False) -> None:
        self.folder = folder
        self._apart = apart
        self._running: list[subprocess.Popen[bytes]] = []
        self._write_configuration()

    @property
    def environment(self) -> dict[str, str]:
        """With which commands reach it."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": _PATH}

    def start(self) -> None:
        """Return once both nodes are idle."""
        if self._apart:
            _lay_cable()
        munge = [f"--{name}={self.folder / file}" for name, file in _MUNGE.items()]
        self._start("munged", "--foreground", "--force", *munge)
        self._until(lambda: (self.folder / _MUNGE["socket"]).exists())
        self._start("slurmctld", "-D", "-c")
        for node in ("n1", "n2"):
            self._start("slurmd", "-D", "-c", "-N", node)
        self._until(lambda: self.run("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * 2)

    def stop(self) -> None:
        """End what was started, in the order that leaves nothing behind."""
        self.run("scancel", "--user", _user(), check=False)
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._apart:
            _take_cable_away()

    def run(self, *command: str, check: bool = True, **more: str) -> str:
        """The output of one of Slurm's commands; more: variables of its environment."""
        done = subprocess.run(
            [*self._inside("n1"), *command],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def submit(self, *command: str, variables: Mapping[str, str]) -> str:
        """The number of a job that `sbatch` takes."""
        return self.run("sbatch", "--parsable", *command, **variables).strip()

    def job(self, number: str) -> dict[str, str]:
        """What Slurm says of a job, by its own keys."""
        said = self.run("scontrol", "show", "job", number, "--oneliner")
        return dict(re.findall(r"(\w+)=(\S+)", said))

    def wait(self, number: str, reached: Callable[[dict[str, str]], bool], seconds: float) -> None:
        """Return once `reached` is true of what Slurm says of the job."""
        self._until(lambda: reached(self.job(number)), seconds)

    def _until(self, reached: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            logs = "\n".join(p.read_text()[-1500:] for p in self.folder.glob("*.log"))
            assert time.monotonic() < deadline, logs
            time.sleep(0.2)

    def _start(self, program: str, *arguments: str) -> None:
        found = shutil.which(program, path=_PATH)
        assert found is not None
        with (self.folder / f"{program}.out").open("ab") as output:
            node = arguments[-1] if arguments[-1] in _ADDRESSES else "n1"
            own = _OWN_PROCESSES if self._apart and program == "slurmd" else ()
            self._running.append(
                subprocess.Popen(
                    [*self._inside(node), *own, found, *arguments],
                    env=self.environment,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )

    def _inside(self, node: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/memgan-{node}"] if self._apart else []

    def _write_configuration(self) -> None:
        self.folder.mkdir(mode=0o755, parents=True)
        key = self.folder / _MUNGE["key-file"]
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        name, user = socket.gethostname(), _user()
        at = _ADDRESSES if self._apart else dict.fromkeys(_ADDRESSES, "127.0.0.1")
        lines = [
            "ClusterName=memgan",
            f"SlurmctldHost={name}({at['n1']})",
            f"SlurmctldPort={free_port(0)}",
            f"SlurmUser={user}",
            f"SlurmdUser={user}",
            "AuthType=auth/munge",
            # A job that is queued again begins after that many seconds, not after two minutes.
            f"AuthInfo=socket={self.folder / _MUNGE['socket']},cred_expire=5",
            f"StateSaveLocation={self.folder / 'state'}",
            f"SlurmdSpoolDir={self.folder / 'spool'}-%n",
            f"SlurmctldPidFile={self.folder / 'slurmctld.pid'}",
            f"SlurmdPidFile={self.folder / 'slurmd'}-%n.pid",
            f"SlurmctldLogFile={self.folder / 'slurmctld.log'}",
            f"SlurmdLogFile={self.folder / 'slurmd'}-%n.log",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU",
            "SlurmdParameters=config_overrides",
            "ReturnToService=2",
            "KillWait=15",
            *(
                f"NodeName={node} NodeHostname={name} NodeAddr={address} Port={free_port(0)} CPUs=2"
                " RealMemory=4000 State=UNKNOWN"
                for node, address in at.items()
            ),
            "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
        ]
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")


_OWN_PROCESSES = (
    *("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"),
    *("sh", "-c", 'mount -t tmpfs tmpfs /tmp && exec "$@"', "sh"),
)


def _lay_cable() -> None:
    _take_cable_away()
    for node in _ADDRESSES:
        _ip(f"netns add memgan-{node}")
    _ip("link add memgan-n1 type veth peer name memgan-n2")
    for node, address in _ADDRESSES.items():
        _ip(f"link set memgan-{node} netns memgan-{node}")
        for words in (f"addr add {address}/24 dev memgan-{node}", f"link set memgan-{node} up",
                      "link set lo up"):  # fmt: skip
            _ip(f"-n memgan-{node} {words}")


def _take_cable_away() -> None:
    for node in _ADDRESSES:
        if Path(f"/run/netns/memgan-{node}").exists():
            _ip(f"netns delete memgan-{node}")


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], env={"PATH": _PATH}, check=True)


_MUNGE = {
    "key-file": "munge.key",
    "socket": "munge.socket",
    "pid-file": "munge.pid",
    "log-file": "munge.log",
    "seed-file": "munge.seed",
}


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
