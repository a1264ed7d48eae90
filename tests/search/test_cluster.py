from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memgan.errors import BadInput
from search.cluster import _prepare, connect


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


def test_a_local_instance_starts_though_ray_was_imported_before() -> None:
    """Ray reads its settings when it is imported, and Python users import what they like."""
    program = """
import os, ray
from search.cluster import connect
with connect("local", cpus=1) as found:
    hook = ray._private.ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV
    print(found["CPU"], os.environ["RAY_AUTH_MODE"], hook)
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.split() == ["1.0", "token", "False"], ended.stderr


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
