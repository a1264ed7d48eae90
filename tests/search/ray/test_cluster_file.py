"""The cluster files: what can be known of them without a cloud account or other machines."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).resolve().parents[3]


CLOUD, OWN = "ray_cluster.yaml", "deploy/local.yaml"
both = pytest.mark.parametrize("prepared", [CLOUD, OWN], indirect=True)
cloud = pytest.mark.parametrize("prepared", [CLOUD], indirect=True)


@pytest.fixture(scope="module")
def prepared(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The file as Ray completes it: what it leaves out is the provider's default."""
    written = yaml.safe_load((ROOT / request.param).read_text(encoding="utf-8"))
    content: dict[str, Any] = prepare_config(written)
    return content


def commands(prepared: dict[str, Any]) -> str:
    kinds = [key for key in prepared if key.endswith("_commands")]
    return "\n".join(command for kind in kinds for command in prepared[kind])


@both
def test_passes_rays_own_validation(prepared: dict[str, Any]) -> None:
    validate_config(prepared)


@both
def test_a_misspelt_key_would_not_pass(prepared: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="max_wokers"):
        validate_config({**prepared, "max_wokers": 4})


@cloud
def test_spot_gpu_workers_come_and_go(prepared: dict[str, Any]) -> None:
    worker = prepared["available_node_types"]["gpu"]
    assert (worker["min_workers"], worker["max_workers"]) == (0, 4)
    assert worker["node_config"]["InstanceMarketOptions"]["MarketType"] == "spot"
    assert prepared["max_workers"] == 4


@both
def test_neither_nightly_ray_nor_open_dashboard_is_left(prepared: dict[str, Any]) -> None:
    assert not re.search(r"nightly|ray-wheels|dev0|host=0\.0\.0\.0", commands(prepared))
    (start,) = [c for c in prepared["head_start_ray_commands"] if "ray start" in c]
    assert "--dashboard-host=127.0.0.1" in start


@both
def test_every_ray_is_started_with_a_token(prepared: dict[str, Any]) -> None:
    starts = [line for line in commands(prepared).splitlines() if "ray start" in line]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token ray start" in line for line in starts)
    assert "~/.ray/auth_token" in prepared["file_mounts"]


@both
def test_nodes_get_ray_at_its_pinned_version(prepared: dict[str, Any]) -> None:
    installs = [c for c in prepared["setup_commands"] if "uv sync" in c]
    assert len(installs) == 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = project["tool"]["uv"]["constraint-dependencies"]
    assert any(re.fullmatch(r"ray==[\d.]+", pin) for pin in pins)


@both
def test_the_head_runs_mlflow_before_ray_and_tells_jobs_where(prepared: dict[str, Any]) -> None:
    server, start = prepared["head_start_ray_commands"][1:]
    assert server.endswith("sh ~/memgan/deploy/mlflow_server.sh")
    assert (ROOT / "deploy" / "mlflow_server.sh").is_file()
    assert start.startswith(". ~/.memgan-mlflow/environment; ")
    assert any("flask-wtf" in command for command in prepared["head_setup_commands"])


def test_own_machines_are_all_used() -> None:
    written = yaml.safe_load((ROOT / OWN).read_text(encoding="utf-8"))
    (kind,) = prepare_config(written)["available_node_types"].values()
    assert (kind["min_workers"], kind["max_workers"]) == (2, 2)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_mlflow_server_lets_nobody_in_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("flask_wtf", reason="mlflow's authentication wants flask-wtf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path / "mlflow"
    places = {"MEMGAN_MLFLOW_HOME": str(home), "MEMGAN_MLFLOW_PORT": str(port)}
    script = ["sh", str(ROOT / "deploy" / "mlflow_server.sh")]
    subprocess.run(script, env={**os.environ, **places}, check=True)
    started = int((home / "pid").read_text())
    try:
        deadline = time.monotonic() + 150
        while _answer(port, None) is None and time.monotonic() < deadline:
            time.sleep(1)
        assert _answer(port, None) == 401
        assert _answer(port, "guess") == 401
        assert _answer(port, (home / "password").read_text()) == 200
        assert home.stat().st_mode & 0o077 == 0
        subprocess.run(script, env={**os.environ, **places}, check=True)
        assert int((home / "pid").read_text()) == started
    finally:
        os.kill(started, signal.SIGTERM)


def _answer(port: int, password: str | None) -> int | None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get?experiment_id=0"
    )
    if password:
        word = base64.b64encode(f"admin:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except OSError:
        return None
