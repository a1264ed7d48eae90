"""Libraries that would report to their makers are told not to, before any of them is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping

SILENCED: Mapping[str, str] = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Each is read when its library is imported; a call afterwards comes too late."""


def silence() -> None:
    """Set these variables for this process and its children, where the user has not set them."""
    for name, value in SILENCED.items():
        os.environ.setdefault(name, value)
