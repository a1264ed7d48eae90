from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import search.ray.connection
from memgan.errors import BadInput
from memgan.machine.share import MachineShare
from search.ray.answers import why_silent
from search.ray.connection import _prepare, check_address, connect, memory_for_ray
from search.ray.workers_path import HOME


def test_an_address_that_does_not_answer_is_refused_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(BadInput, match=f"no Ray at {address}"), connect(address):
        pass
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("address", ["ray://127.0.0.1:10001", "nowhere", "host:port"])
def test_addresses_of_another_form_are_refused(address: str) -> None:
    with pytest.raises(BadInput), connect(address):
        pass


def test_a_local_instance_wants_a_token_that_lies_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    environment: dict[str, str] = {}
    _prepare(environment, local=True)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert len(environment["RAY_AUTH_TOKEN"]) == 64
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


_PROGRAM = """
import os, ray, sys
sys.path.append({theirs!r})
from search.ray.connection import connect

def look():
    import helper, memgan, search, tracking
    return [module.__file__ for module in (memgan, search, tracking)]

with connect("local", cpus=1) as found:
    hook = ray._private.ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV
    print(found["CPU"], os.environ["RAY_AUTH_MODE"], hook)
    print(*ray.get(ray.remote(look).remote()), sep="\\n")
"""


@pytest.fixture(scope="module")
def own_ray(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a program prints that imports Ray first, in a folder with modules named as ours."""
    folder = tmp_path_factory.mktemp("theirs")
    for name in ("search.py", "memgan.py", "helper.py"):
        (folder / name).write_text("print('my own')\n")
    (folder / "tracking").mkdir()
    (folder / "tracking" / "__init__.py").touch()
    ended = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM.format(theirs=str(folder))],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("RAY_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_a_local_instance_starts_though_ray_was_imported_before(own_ray: list[str]) -> None:
    """Ray reads its settings when it is imported, and Python users import what they like."""
    assert own_ray[0].split() == ["1.0", "token", "False"]


def test_workers_import_ours_and_still_find_the_users_own_modules(own_ray: list[str]) -> None:
    assert [Path(place).parents[1] for place in own_ray[1:]] == [Path(HOME)] * 3


def test_a_clusters_own_settings_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    opened: dict[str, str] = {}
    _prepare(opened, local=False)
    assert opened["RAY_AUTH_MODE"] == "disabled"
    guarded = {"RAY_AUTH_TOKEN": "t"}
    _prepare(guarded, local=False)
    assert (guarded["RAY_AUTH_MODE"], guarded["RAY_AUTH_TOKEN"]) == ("token", "t")
    told = {"RAY_AUTH_MODE": "disabled"}
    _prepare(told, local=True)
    assert "RAY_AUTH_TOKEN" not in told


def _starts(monkeypatch: pytest.MonkeyPatch, *faults: Exception | None) -> list[dict[str, Any]]:
    """Each start of Ray gives the next fault, or succeeds; gives the arguments of all."""
    import ray

    asked: list[dict[str, Any]] = []
    left = list(faults)

    def init(**arguments: Any) -> None:
        asked.append(arguments)
        if (fault := left.pop(0)) is not None:
            raise fault

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1.0})
    return asked


def test_a_ray_that_did_not_start_in_time_is_started_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _starts(monkeypatch, TimeoutError("the node timed out"), None)
    with connect("local"):
        pass
    assert len(asked) == 2

    asked = _starts(monkeypatch, RuntimeError("slow"), RuntimeError("slow"), None)
    with pytest.raises(BadInput, match="did not start: slow, twice"), connect("local"):
        pass
    assert len(asked) == 2


def test_a_folder_too_long_for_sockets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/" + 90 * "x")
    asked = _starts(monkeypatch, OSError("AF_UNIX path length cannot exceed 107 bytes: /x"))
    with pytest.raises(BadInput, match=r"/xxx.* too long .*RAY_TMPDIR=/tmp"), connect("local"):
        pass
    assert len(asked) == 1


def test_a_home_that_cannot_be_read_holds_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    environment: dict[str, str] = {}
    _prepare(environment, local=False)
    assert environment["RAY_AUTH_MODE"] == "disabled"


def test_a_local_ray_gets_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = MachineShare(3, 4 << 30, 2 << 30, 64, limited_memory=True)
    monkeypatch.setattr(search.ray.connection, "machine_share", lambda: limited)
    asked = _starts(monkeypatch, None)
    with connect("local"):
        pass
    assert asked[0]["num_cpus"] == 3
    assert asked[0]["object_store_memory"] + asked[0]["_memory"] == 2 << 30
    assert memory_for_ray(replace(limited, limited_memory=False)) == {}


def test_what_is_no_ray_is_refused_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert "does not answer as Ray does" in str(why_silent(address, seconds=3))


def test_auto_means_a_ray_that_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a Ray that listens on loopback alone, Ray's own "auto" waits for minutes."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setattr(search.ray.connection, "address_of_auto", lambda: address)
    with pytest.raises(BadInput, match=f"no Ray at {address}"):
        check_address("auto")

    def none() -> str:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(search.ray.connection, "address_of_auto", none)
    with pytest.raises(BadInput, match="no Ray runs on this machine"):
        check_address("auto")
