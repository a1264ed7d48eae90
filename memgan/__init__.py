"""One-class anomaly detectors with a memory: data, training, scoring, bundles.

What is exported here is imported on first use, so that `import memgan` is free of torch. The
import keeps onnxruntime, MLflow and Ray from reporting to their makers (`memgan.no_telemetry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memgan.no_telemetry import silence

if TYPE_CHECKING:
    from memgan.bundle import Bundle, load_bundle
    from memgan.configuration import Configuration
    from memgan.data import load_split
    from memgan.detectors import build_detector
    from memgan.errors import BadInput, MemganError
    from memgan.training import Training

silence()

_HOMES = {
    "Bundle": "memgan.bundle",
    "load_bundle": "memgan.bundle",
    "Configuration": "memgan.configuration",
    "load_split": "memgan.data",
    "build_detector": "memgan.detectors",
    "BadInput": "memgan.errors",
    "MemganError": "memgan.errors",
    "Training": "memgan.training",
}

__all__ = [
    "BadInput",
    "Bundle",
    "Configuration",
    "MemganError",
    "Training",
    "build_detector",
    "load_bundle",
    "load_split",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
