"""Ray's dashboard beside a search, on request: on loopback, behind the token of this Ray."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from memgan.errors import BadInput

_NEEDED = ("aiohttp", "aiohttp_cors", "opencensus", "prometheus_client")
"""What Ray's dashboard imports that Ray alone does not bring."""
_SAY: ContextVar[Callable[[str], None] | None] = ContextVar("dashboard", default=None)


@contextmanager
def with_dashboard(say: Callable[[str], None]) -> Iterator[None]:
    """A Ray of our own that is started in the block has its dashboard; `say` is told its address.

    BadInput where the dashboard is not installed.
    """
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise BadInput(
            f"Ray's dashboard is not installed ({', '.join(missing)}): install ray[default], or"
            " leave --dashboard out"
        )
    before = _SAY.set(say)
    try:
        yield
    finally:
        _SAY.reset(before)


def dashboard_options() -> dict[str, Any]:
    """Arguments of `ray.init`: no dashboard, or one that this machine alone can reach."""
    if _SAY.get() is None:
        return {"include_dashboard": False}
    return {"include_dashboard": True, "dashboard_host": "127.0.0.1"}


def tell_dashboard(context: Any) -> None:
    """Say where the dashboard is. context: what `ray.init` gave."""
    say = _SAY.get()
    if say is None:
        return
    if not context.dashboard_url:
        say("Ray's dashboard did not start; the search goes on without it")
        return
    token = os.environ.get("RAY_AUTH_TOKEN") if os.environ.get("RAY_AUTH_MODE") == "token" else ""
    asks = f"; it asks for this token, which ends with the search: {token}" if token else ""
    say(f"Ray's dashboard: http://{context.dashboard_url}{asks}")
