"""A real MLflow server that can be stopped, filled up and started again, and a door before it
that counts what is asked and can misbehave. Both on loopback."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tracking.address import Location
from tracking.cli.ui_server import free_port, server_command


class Server:
    """`mlflow server` on a record of this machine, always on the same port."""

    def __init__(self, location: Location, log: Path) -> None:
        self.port = free_port(0)
        self._command = server_command(location, self.port)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return once it answers."""
        arguments, environment = self._command
        with self._log.open("a") as output:
            self._process = subprocess.Popen(
                arguments, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.address}/health"):
                return
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def signal(self, number: int) -> None:
        """To all of its processes: SIGSTOP makes it hang, SIGCONT go on."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    @contextlib.contextmanager
    def disk_full(self) -> Iterator[None]:
        """None of its processes can write a byte to any file."""
        pids = self._pids()
        limits = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
        for pid, (_, hard) in zip(pids, limits, strict=True):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            for pid, limit in zip(pids, limits, strict=True):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)

    def _pids(self) -> list[int]:
        assert self._process is not None
        found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in found if _group(pid) == self._process.pid]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@dataclass(frozen=True)
class Call:
    """One request that came to a door. at: time.monotonic()."""

    method: str
    path: str
    body: bytes
    at: float

    @property
    def what(self) -> str:
        """The last words of its path, as "runs/log-batch"."""
        path = self.path.partition("?")[0]
        return "artifact" if "/mlflow-artifacts/" in path else "/".join(path.split("/")[-2:])


@dataclass(frozen=True)
class Trouble:
    """What happens to a request instead of, or besides, being passed on."""

    delay: float = 0.0
    """Seconds before anything else."""
    status: int | None = None
    """Answered with this and not passed on."""
    answer: bytes = b"trouble"
    """What is answered with that status: text, or JSON."""
    lost: bool = False
    """Passed on, and the line cut before the answer."""


Rule = Callable[[Call], Trouble | None]


class Door:
    """Stands before a server on a port of its own.

    calls: all that came, in order. rule: asked for every call what trouble it meets. prefix: a
    path that every call must begin with, as behind a web server; the server itself does not see it.
    """

    def __init__(self, server_port: int, prefix: str = "") -> None:
        self.prefix = prefix
        self.calls: list[Call] = []
        self.rule: Rule = lambda call: None
        self.port = free_port(0)
        self._server_port = server_port
        self._listener: _Listener | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def open(self) -> None:
        self._listener = _Listener(self, self._server_port)
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def shut(self) -> None:
        """Connections are refused, and the open ones cut."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener.cut()
            self._listener = None

    def counts(self) -> dict[str, int]:
        """How many calls of each kind came."""
        found: dict[str, int] = {}
        for call in self.calls:
            found[call.what] = found.get(call.what, 0) + 1
        return found


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, door: Door, server_port: int) -> None:
        self.door = door
        self.server_port_behind = server_port
        self._ends: set[socket.socket] = set()
        super().__init__(("127.0.0.1", door.port), _Handler)

    def process_request(self, request: socket.socket, address: object) -> None:  # type: ignore[override]
        self._ends.add(request)
        super().process_request(request, address)  # type: ignore[arg-type]

    def cut(self) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, address: object) -> None:
        """A client that gave up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = Call(self.command, self.path, body, time.monotonic())
        self.server.door.calls.append(call)
        trouble = self.server.door.rule(call) or Trouble()
        time.sleep(trouble.delay)
        if trouble.status is not None:
            kind = "application/json" if trouble.answer.startswith(b"{") else "text/plain"
            self._answer(trouble.status, kind, trouble.answer)
            return
        prefix = self.server.door.prefix
        if not self.path.startswith(f"{prefix}/"):
            self._answer(404, "text/html", b"nothing here")
            return
        behind = http.client.HTTPConnection("127.0.0.1", self.server.server_port_behind)
        with contextlib.closing(behind):
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            behind.request(self.command, self.path.removeprefix(prefix), body, headers)
            answer = behind.getresponse()
            content = answer.read()
        if trouble.lost:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(answer.status, answer.getheader("Content-Type") or "", content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""
