"""For every test: one thread a process, as trials have, and no word to the outside. And what makes
all of them together quick: our modules compiled once, an empty record made once, long files first.
"""

from __future__ import annotations

import compileall
import fcntl
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from made_plugins import install  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from xdist.scheduler.protocol import Scheduling

ROOT = Path(__file__).resolve().parents[1]
LONG = ("search/whole/", "examples/", "search/trials/", "search/ray/", "tracking/", "benchmarks/")
"""Folders of `tests` with whole searches, servers and processes. They come first, so that no worker
is left with one of them while all others are done."""
TOGETHER = {
    "search/whole/test_whole_search.py": "one search",
    "search/whole/test_foreign_files.py": "one search",
    "search/trials/test_tune_loop.py": "one Ray",
    "search/trials/test_schedulers_on_ray.py": "one Ray",
    "search/ray/test_memory_and_disk.py": "one Ray",
}
"""Files that share what is dear, so that one worker has them all."""

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

# A busy machine is no fault of a test's inputs. `--hypothesis-profile thorough` draws more of them.
for _profile, _examples in (("any-machine", 50), ("thorough", 500)):
    settings.register_profile(
        _profile,
        deadline=None,
        max_examples=_examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("any-machine")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        # Every process of a search imports them, and PYTHONDONTWRITEBYTECODE keeps none compiled.
        for package in ("memgan", "tracking", "search"):
            compileall.compile_dir(ROOT / package, quiet=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _order(item.nodeid))


def _order(nodeid: str) -> tuple[int, bool]:
    inside = nodeid.removeprefix("tests/")
    place = next((n for n, folder in enumerate(LONG) if inside.startswith(folder)), len(LONG))
    return place, inside.partition("::")[0] not in TOGETHER


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file.removeprefix("tests/"), file)

    return Together(config, log)


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite record of MLflow's, to be copied: making one takes seconds, and all workers
    share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "fresh store"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "mlflow.db").exists():
            from tracking.stores.mlflow_tracker import MlflowTracker

            MlflowTracker(f"sqlite:///{folder / 'made.db'}")
            (folder / "made.db").rename(folder / "mlflow.db")
    return folder / "mlflow.db"
