"""The connection to Ray: environment first, import afterwards, a clear line where nobody answers.

Who may command a Ray cluster may run anything as its user. So a local one of ours listens on
loopback alone and wants a token that is made for it and lives in the environment of this process
and its children: another user of the machine cannot reach it, and no file is left behind. Of a
cluster that was started elsewhere the user's own settings hold (RAY_AUTH_MODE, RAY_AUTH_TOKEN,
RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token); where there is none of them it is taken to be open.
"""

from __future__ import annotations

import functools
import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from memgan.errors import BadInput
from memgan.machine import MachineShare, machine_share
from memgan.waiting import waiting_for
from search.ray.answers import address_of_auto, why_silent
from search.ray.dashboard import dashboard_options, tell_dashboard
from search.ray.processes import end_ray
from search.ray.workers_path import workers_path
from search.stopping import handlers_kept, is_interruption
from tracking.address import is_address, local_folder, one_line
from tracking.address_form import is_host_and_port

_SECONDS_TO_ANSWER = 5.0
_STORE_PART = 0.3
"""Of free memory for shared objects, as Ray itself takes."""
_SMALLEST_STORE = 80 << 20
_QUIET: Mapping[str, str] = {
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else `uv run` builds an environment in every worker
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",  # the old one can be silenced
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Watch and stopping do it, at every moment
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@contextmanager
def connect(
    address: str | None = None, *, cpus: int | None = None, gpus: int | None = None
) -> Iterator[Mapping[str, float]]:
    """Ray, for as long as the block lasts; gives the resources it reports (CPU, GPU, memory).

    address: "host:port" or "auto"; else the environment's RAY_ADDRESS; else, or for "local", an
    instance of our own with `cpus` cores (None: those this process may use) and `gpus` GPUs (None:
    all), which ends with the block.
    BadInput, in seconds, where nobody answers at the address.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    _prepare(os.environ, local=is_own(address))
    check_address(address)
    if not is_own(address) and (reason := _why_silent(address)):
        raise BadInput(f"no Ray at {address}: {reason}; see --address, RAY_ADDRESS, RAY_AUTH_TOKEN")
    with waiting_for("starting Ray" if address == "local" else f"joining Ray at {address}"):
        _open(address, cpus, gpus)
    try:
        import ray

        yield dict(ray.cluster_resources())
    finally:
        end_ray()


def _open(address: str, cpus: int | None, gpus: int | None) -> None:
    import ray

    if os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0":
        # The environment is read when Ray is imported, which somebody may have done before.
        ray._private.ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = False
    for name in ("ray.tune", "ray.train", "ray.air"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with handlers_kept():
            if address == "local":
                _start(lambda: _start_own(cpus, gpus))
            else:
                _join(address)
    except BaseException:
        end_ray()
        raise


def _join(address: str) -> None:
    import ray

    try:
        ray.init(
            address=address,
            job_config=_job_config(workers_path(sys.path, local=False)),
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        raise BadInput(
            f"no Ray at {address}: {one_line(error)}; see --address, RAY_ADDRESS"
        ) from None


def _why_silent(address: str) -> str | None:
    where = address_of_auto() if address == "auto" else address
    return None if where is None else why_silent(where)


def _start_own(cpus: int | None, gpus: int | None) -> None:
    import ray

    share = machine_share()
    context = ray.init(
        address="local",
        num_cpus=share.cpus if cpus is None else cpus,
        num_gpus=gpus,
        job_config=_job_config(workers_path(sys.path, local=True)),
        log_to_driver=False,
        logging_level=logging.ERROR,
        **dashboard_options(),
        **memory_for_ray(share),
    )
    tell_dashboard(context)


def memory_for_ray(share: MachineShare) -> dict[str, int]:
    """Arguments of `ray.init` where a control group leaves less memory than Ray would count on,
    which looks only at the machine's; none where it would count right."""
    if not share.limited_memory or share.free_memory is None:
        return {}
    store = max(_SMALLEST_STORE, int(share.free_memory * _STORE_PART))
    return {"object_store_memory": store, "_memory": max(1 << 20, share.free_memory - store)}


def _start(start: Callable[[], None]) -> None:
    """Start a Ray of our own, once more if it was not there in time. BadInput if it will not."""

    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    for attempt in (1, 2):
        try:
            start()
            return
        except Exception as error:
            if is_interruption(error):
                raise
            if "AF_UNIX" in str(error):
                raise BadInput(
                    f"a local Ray did not start: {folder} is too long a path for its sockets; give"
                    " it a short folder: RAY_TMPDIR=/tmp"
                ) from None
            # Wrong values and a refusing system stay what they are; a busy machine does not.
            final = isinstance(error, ValueError) or (
                isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError)
            )
            if final or attempt == 2:
                twice = "" if final else ", twice; if the machine was busy, try again"
                raise BadInput(f"a local Ray did not start: {one_line(error)}{twice}") from None
            end_ray()


def _job_config(path: list[str]) -> Any:
    """What workers put in front of their own search path: `path`, and nothing else."""
    from ray.job_config import JobConfig

    class _AsGiven(list[str]):
        def extend(self, more: Iterable[str]) -> None:
            """Ray would add the script's and the working folder, whatever lies there."""

    # Ray puts one after the other in front of all.
    return JobConfig(_py_driver_sys_path=_AsGiven(reversed(path)))


def _prepare(environment: MutableMapping[str, str], *, local: bool) -> None:
    for name, value in _QUIET.items():
        environment.setdefault(name, value)
    if local:
        # Keeps Ray on 127.0.0.1. A driver of a cluster would take itself to be there as well.
        environment.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    if "RAY_AUTH_MODE" in environment:
        return
    tokens = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    has_token = any(name in environment for name in tokens)
    if local:
        # Ray reads the mode when it is imported; after that only its own default, which is the
        # same, can still turn it on.
        if "ray" not in sys.modules:
            environment["RAY_AUTH_MODE"] = "token"
        if not has_token:
            environment["RAY_AUTH_TOKEN"] = _own_token()
        return
    has_token = has_token or _readable(Path("~/.ray/auth_token"))
    environment["RAY_AUTH_MODE"] = "token" if has_token else "disabled"


def _readable(path: Path) -> bool:
    # A home that may not be entered, or a user without one, holds no token for Ray either.
    try:
        return path.expanduser().exists()
    except (OSError, RuntimeError):
        return False


@functools.cache
def _own_token() -> str:
    # One for the life of the process: Ray reads it once, and would be refused with a second one.
    return secrets.token_hex(32)


def is_own(address: str | None) -> bool:
    """Whether `connect` starts an instance of this process's own."""
    return (address or os.environ.get("RAY_ADDRESS") or "local") == "local"


def check_outlives_job(results: Path | str) -> None:
    """BadInput for a relative results folder in a Ray job, whose working folder is a copy that
    is cleared away."""
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ and not (
        is_address(results) or local_folder(results).is_absolute()
    ):
        raise BadInput(
            f"--results {results}: a Ray job's working folder does not outlive it; give an absolute"
            " folder that all nodes see, or an address such as s3://BUCKET/results"
        )


def check_address(address: str | None) -> None:
    """BadInput, in seconds, if nobody answers at an address; as for `connect`."""
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if address.startswith("ray://"):
        raise BadInput(
            f"address {address}: Ray's client mode is not supported; run on a machine of the"
            " cluster, or through `ray job submit`, and give host:port"
        )
    if address == "local":
        return
    if address == "auto":
        # Ray reads these when it is imported.
        _prepare(os.environ, local=False)
        try:
            found = address_of_auto()
        except ConnectionError:
            raise BadInput(
                "no Ray runs on this machine; start one with `ray start --head`, or leave --address"
                " out to run here"
            ) from None
        if found is None:
            return
        address = found
    if not is_host_and_port(address):
        raise BadInput(
            f"address {address!r}: write host:port (a port is from 1 to 65535), auto or local"
        )
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(
            f"no Ray at {address}: {reason}; start one with `ray start --head`, or leave"
            " --address out to run here"
        ) from None


def standard_output_kept_clean() -> TextIO:
    """Keep Ray's talk out of standard output; gives the stream that leads to where that went.

    Ray writes to file descriptor 1 and, of workers and nodes it lost, through Python's
    `sys.stdout`: both become standard error for this process. Call before Ray is first imported.
    """
    sys.stdout.flush()
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return kept
