"""Ray's dashboard: on request only, on loopback, with its address told."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest
import ray

from memgan.errors import BadInput
from search.cli.app import run
from search.ray.connection import connect
from search.ray.dashboard import with_dashboard


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of every `ray.init`, which starts nothing."""
    found: list[dict[str, Any]] = []

    def init(**arguments: Any) -> SimpleNamespace:
        found.append(arguments)
        return SimpleNamespace(dashboard_url="127.0.0.1:8265")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 1.0})
    return found


def test_it_is_started_on_request_on_loopback_and_told(asked: list[dict[str, Any]]) -> None:
    told: list[str] = []
    with connect("local"):
        pass
    with with_dashboard(told.append), connect("local"):
        pass

    assert asked[0]["include_dashboard"] is False
    assert asked[1]["include_dashboard"] is True
    assert asked[1]["dashboard_host"] == "127.0.0.1"
    (line,) = told
    assert "http://127.0.0.1:8265" in line


def test_where_it_is_not_installed_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "aiohttp_cors" else find(name)
    )

    with (
        pytest.raises(BadInput, match=r"\(aiohttp_cors\): install ray\[default\]"),
        with_dashboard(print),
    ):
        pass
    assert asked == []


def test_a_cluster_has_its_own(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.ray.standard_output_kept_clean", lambda: None)

    assert run(["search", "--dashboard", "--address", "10.0.0.1:6379"]) == 2

    (line,) = capfd.readouterr().err.splitlines()
    assert "a cluster has its own" in line
