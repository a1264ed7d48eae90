"""`ray_cluster.yaml`: what can be known of it without a cloud account."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    """The file as Ray completes it: what it leaves out is the provider's default."""
    written = yaml.safe_load((ROOT / "ray_cluster.yaml").read_text(encoding="utf-8"))
    content: dict[str, Any] = prepare_config(written)
    return content


def commands(prepared: dict[str, Any]) -> str:
    kinds = [key for key in prepared if key.endswith("_commands")]
    return "\n".join(command for kind in kinds for command in prepared[kind])


def test_passes_rays_own_validation(prepared: dict[str, Any]) -> None:
    validate_config(prepared)


def test_a_misspelt_key_would_not_pass(prepared: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="max_wokers"):
        validate_config({**prepared, "max_wokers": 4})


def test_spot_gpu_workers_come_and_go(prepared: dict[str, Any]) -> None:
    worker = prepared["available_node_types"]["gpu"]
    assert (worker["min_workers"], worker["max_workers"]) == (0, 4)
    assert worker["node_config"]["InstanceMarketOptions"]["MarketType"] == "spot"
    assert prepared["max_workers"] == 4


def test_neither_nightly_ray_nor_open_dashboard_is_left(prepared: dict[str, Any]) -> None:
    assert not re.search(r"nightly|ray-wheels|dev0|host=0\.0\.0\.0", commands(prepared))
    (start,) = [c for c in prepared["head_start_ray_commands"] if "ray start" in c]
    assert "--dashboard-host=127.0.0.1" in start


def test_every_ray_is_started_with_a_token(prepared: dict[str, Any]) -> None:
    starts = [line for line in commands(prepared).splitlines() if "ray start" in line]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token ray start" in line for line in starts)
    assert "~/.ray/auth_token" in prepared["file_mounts"]


def test_nodes_get_ray_at_its_pinned_version(prepared: dict[str, Any]) -> None:
    installs = [c for c in prepared["setup_commands"] if "uv sync" in c]
    assert len(installs) == 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = project["tool"]["uv"]["constraint-dependencies"]
    assert any(re.fullmatch(r"ray==[\d.]+", pin) for pin in pins)
