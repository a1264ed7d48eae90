"""For every test: one thread a process, as trials have, and no word to the outside."""

from __future__ import annotations

import os
import signal
import tempfile

from hypothesis import HealthCheck, settings
from made_plugins import install  # noqa: F401 - a fixture

# Before torch is imported anywhere: two threads on two busy cores wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Features of images are kept in a folder that goes with the tests, and not in the user's cache.
_cache = tempfile.TemporaryDirectory(prefix="memgan-cache-")
os.environ.setdefault("MEMGAN_CACHE", _cache.name)
# What is printed to be pasted begins with `uv run` under it; the tests are the same either way.
for _name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "UV"):
    os.environ.pop(_name, None)

# A background job of a script ignores Ctrl-C, and so does all that it starts; the tests are of
# processes to which it means something. SIGTERM likewise.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

# A busy machine is no fault of a test's inputs.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")
