"""The driver's handle on its writer process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from memgan.errors import TrackingUnavailable
from tracking.address import Location, redact
from tracking.outbox.outbox import FAULT, STUDY, Outbox
from tracking.stores import tells_of_denial


def start_writer(
    outbox_path: Path,
    tracking_uri: str,
    experiment: str,
    artifact_root: str | None = None,
    *,
    study: str | None = None,
) -> WriterProcess:
    """Start the process that delivers the outbox at `outbox_path`, and return at once.

    artifact_root: as in `Location`. study: whose outbox it is; None where that is known, or where
    the experiment has its name. The writer has a session of its own, so that the terminal's
    Ctrl-C does not reach it, and ends by itself soon after this process has. BadInput if the
    outbox cannot be written; whether the store answers, `wait_ready` says. The outbox learns of
    the experiment from the writer, once the store has answered.
    """
    outbox = Outbox(outbox_path)
    outbox.check()
    if study is not None and outbox.fact(STUDY) != study:
        outbox.set_fact(STUDY, study)
    location = Location(uri=tracking_uri, artifact_root=artifact_root)
    return WriterProcess(outbox, location, experiment)


class WriterProcess:
    """A running writer. Made by `start_writer`."""

    def __init__(self, outbox: Outbox, location: Location, experiment: str) -> None:
        self._outbox = outbox
        self._location = location
        self._experiment = experiment
        self._closed = False
        self.restores = False
        """Known once it is ready: the experiment was deleted in MLflow, and is restored with the
        runs that it had."""
        self._start()

    @property
    def log(self) -> Path:
        """Where the writer's own messages go."""
        return self._outbox.path.with_name("writer.log")

    @property
    def pid(self) -> int:
        """The writer's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    @property
    def fault(self) -> str | None:
        """Why the last delivery did not get through, in one line, or None if it did."""
        try:
            return self._outbox.fact(FAULT) or None
        except sqlite3.Error as error:
            return f"outbox: {error}"

    def wait_ready(self, timeout: float = 120.0) -> None:
        """Return once the store has answered; a new SQLite store takes some ten seconds.

        TrackingUnavailable, in one line, if it does not within `timeout` seconds, refuses, or
        the writer dies; there is then no writer any more.
        """
        said = self._first_line(timeout)
        if said.get("ready"):
            self.restores = bool(said.get("restores"))
            return
        self._stop()
        where = redact(self._location.uri)
        reason = said.get("error") or f"no answer within {timeout:.0f} s; see {self.log}"
        hint = "" if tells_of_denial(reason) else "start the server, or "
        raise TrackingUnavailable(
            f"tracking at {where} cannot be used ({reason}); {hint}give another "
            "address with --tracking-uri or MLFLOW_TRACKING_URI"
        )

    def drain(self, timeout: float = 60.0, *, leave: bool = False) -> int:
        """Let the writer deliver what is left, for at most `timeout` seconds, and end it.

        Returns how many events still wait (−1 where the outbox cannot be read any more); they
        stay in the outbox, and `memgan sync` delivers them. leave: a writer that is not done by
        then is not ended; it goes on for its last minute. A writer that somebody killed is
        started once more. Safe to call again.
        """
        deadline = time.monotonic() + timeout
        if not self._closed and not self.alive and self._count_waiting() != 0:
            # Without room for its log there is none for its deliveries.
            with contextlib.suppress(OSError):
                self._start()
        self._closed = True
        self._hang_up()
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            if not leave:
                self._stop()
        return self._count_waiting()

    def _start(self) -> None:
        environment = dict(os.environ)
        # So that the child finds this very package, wherever it was imported from.
        home = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [home, environment.get("PYTHONPATH")])
        )
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tracking.outbox.deliverer"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
                bufsize=0,
            )
        request = {
            "outbox": str(self._outbox.path.absolute()),
            # On the line and not on the command line, where everybody can read passwords.
            "uri": self._location.uri,
            "artifact_root": self._location.artifact_root,
            "experiment": self._experiment,
        }
        assert self._process.stdin is not None
        # A writer that died at once is noticed by wait_ready and drain.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request).encode() + b"\n")

    def _first_line(self, timeout: float) -> dict[str, str]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout
        line = b""
        while not line.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                return {}
            part = self._process.stdout.read(4096)
            if not part:
                return {"error": f"the writer ended before it was ready; see {self.log}"}
            line += part
        said: dict[str, str] = json.loads(line)
        return said

    def _hang_up(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def _stop(self) -> None:
        self._closed = True
        self._hang_up()
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _count_waiting(self) -> int:
        try:
            return self._outbox.count_waiting()
        except sqlite3.Error:
            return -1
