"""For every test: one thread a process, as trials have, and no word to the outside."""

from __future__ import annotations

import os

# Before torch is imported anywhere: two threads on two busy cores wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
for _name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
    os.environ.pop(_name, None)
