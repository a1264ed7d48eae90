"""The one process that delivers an outbox; run as a module by `writer`.

Its standard input is its life line: one line of JSON says what to do, and when the other end
closes, whether its driver is done or dead, it delivers for at most a minute more and ends. Its
first line of output says whether the store answers; everything after goes to a log file.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from memgan.errors import MemganError
from memgan.files import try_lock
from tracking.address import one_line, redact
from tracking.outbox.experiment import settle_experiment
from tracking.outbox.outbox import FAULT, TRACKING_URI, Outbox
from tracking.stores import open_tracker

if TYPE_CHECKING:
    from tracking.stores import Tracker

ROUND = 1.0
"""Seconds from the start of one delivery to the next, at least."""
LONGEST_PAUSE = 30.0
"""Seconds between attempts while the store is away."""
LAST_CALL = 60.0
"""Seconds of delivering after the driver has closed the line."""

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # The outbox retries by itself, and a creation repeated by MLflow could make two runs.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "60",
}
_INPUT = 0
_NICENESS = 19
"""Behind Ray's workers, which have 15: on a machine that is busy with trials the record of them
comes a little later, and takes little time from them."""


def main() -> int:
    """Read what to do, say whether the store answers, deliver until the line closes."""
    # A system ends all processes of a job at once; what the driver says last is delivered still.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    handshake = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.update(ENVIRONMENT)
    request = json.loads(_read_line())
    outbox = Outbox(Path(request["outbox"]), patience=10)
    uri = request["uri"]
    try:
        tracker, restores = _open(uri, request["artifact_root"], request["experiment"])
    except Exception as error:
        _log(f"cannot open {redact(uri)}: {one_line(error)}")
        _say(handshake, {"error": one_line(error)})
        return 2
    _say(handshake, {"ready": True, "restores": restores})
    os.nice(_NICENESS)
    with outbox.path.with_name(f"{outbox.path.name}.lock").open("a") as lock:
        _Writer(outbox, tracker, redact(uri), request["experiment"]).serve(lock)
    return 0


def _open(uri: str, artifact_root: str | None, experiment: str) -> tuple[Tracker, bool]:
    """The store, once it answers, and whether the experiment was deleted there."""
    tracker = open_tracker(uri, artifact_root)
    return tracker, tracker.is_deleted(experiment)


class _Writer:
    def __init__(self, outbox: Outbox, tracker: Tracker, uri: str, experiment: str) -> None:
        self.outbox = outbox
        self.tracker = tracker
        self.uri = uri
        self.experiment = experiment
        self.deadline: float | None = None
        self.pause = ROUND
        self.mine = self.settled = False

    def serve(self, lock: IO[str]) -> None:
        """Rounds until the line is closed and nothing waits, or the last call is over."""
        # A study that was deleted takes its outbox along.
        while self.outbox.path.exists():
            began = time.monotonic()
            waiting = self._round(lock)
            if self._is_over() or (self.deadline is not None and waiting == 0):
                return
            self._rest(began)

    def _round(self, lock: IO[str]) -> int | None:
        """One delivery; the number of events that wait, or None where that is not known."""
        try:
            if not self.mine:
                self.mine = try_lock(lock.fileno(), Path(lock.name))
                if not self.mine:
                    # The writer of a driver that died may still be at its last call.
                    return None
            if not self.settled:
                self._settle_in()
            from tracking.outbox.delivery import deliver

            delivery = deliver(self.outbox, self.tracker, stop=self._is_over)
            self._note(delivery.fault)
        except Exception as error:
            # Whatever it is (a full disk, as a rule), the next round may find it mended.
            self._note(f"outbox: {one_line(error)}")
            return None
        return delivery.waiting

    def _settle_in(self) -> None:
        before = self.outbox.fact(TRACKING_URI)
        if before is not None and before != self.uri:
            _log(f"the record moves from {before} to {self.uri}: all of it is delivered again")
            self.outbox.forget_delivery()
        self.outbox.set_fact(TRACKING_URI, self.uri)
        if (other := settle_experiment(self.outbox, self.experiment)) is not None:
            _log(f"the record moves from experiment {other} to {self.experiment}")
        self.settled = True

    def _note(self, fault: str | None) -> None:
        self.pause = ROUND if fault is None else min(2 * self.pause, LONGEST_PAUSE)
        if fault is not None:
            _log(fault)
        try:
            if (self.outbox.fact(FAULT) or "") != (fault or ""):
                self.outbox.set_fact(FAULT, fault or "")
        except sqlite3.Error as error:
            _log(f"outbox: {one_line(error)}")

    def _is_over(self) -> bool:
        """Also asked between two calls, as one delivery to a slow store may take minutes."""
        self._listen(0.0)
        return self.deadline is not None and time.monotonic() > self.deadline

    def _listen(self, seconds: float) -> None:
        if self.deadline is None and _line_closes_within(seconds):
            self.deadline = time.monotonic() + LAST_CALL
            self.pause = ROUND

    def _rest(self, began: float) -> None:
        self._listen(began + self.pause - time.monotonic())
        if self.deadline is not None:
            time.sleep(max(0.0, began + min(self.pause, 4 * ROUND) - time.monotonic()))


def _line_closes_within(seconds: float) -> bool:
    readable, _, _ = select.select([_INPUT], [], [], max(0.0, seconds))
    return bool(readable) and os.read(_INPUT, 4096) == b""


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(_INPUT, 4096)
        if not part:
            raise MemganError("the line closed before it said what to deliver")
        line += part
    return line


def _say(handshake: IO[str], content: dict[str, object]) -> None:
    try:
        with handshake:
            handshake.write(json.dumps(content) + "\n")
    except BrokenPipeError:
        _log("the driver is gone already")


def _log(message: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    # The log lies beside the outbox: where that disk is full, both are.
    with contextlib.suppress(OSError):
        print(f"{stamp} {redact(message)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
