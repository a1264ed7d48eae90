"""Scoring and recording tell nobody: no library leaves an identity in the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memgan.no_telemetry import SILENCED

_SCORING = """
import numpy as np
from memgan import load_bundle
load_bundle({bundle!r}, backend="onnx").score(np.zeros((2, 1, 8, 8), np.uint8))
"""
_RECORDING = """
import tracking
from tracking.stores.mlflow_tracker import MlflowTracker
import ray
import os
assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
from mlflow.telemetry.utils import is_telemetry_disabled
assert is_telemetry_disabled()
"""


@pytest.mark.parametrize("code", [_SCORING, _RECORDING], ids=["scoring", "recording"])
def test_nothing_is_kept_for_telemetry(code: str, bundle: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in SILENCED}
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        environment.pop(name, None)
    subprocess.run(
        [sys.executable, "-c", code.format(bundle=str(bundle))],
        env={**environment, "HOME": str(home), "DO_NOT_TRACK": ""},
        check=True,
        timeout=120,
    )
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    from memgan.no_telemetry import silence

    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY")
    silence()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
