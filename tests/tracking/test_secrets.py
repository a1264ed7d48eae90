"""A password in a tracking address stands in no file, no message and no list of processes."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memgan.errors import TrackingUnavailable
from tracking.outbox.outbox import Outbox
from tracking.outbox.record import Record
from tracking.outbox.sync import sync_one
from tracking.outbox.writer import start_writer

CANARY = "kanarienvogel-7"
SIGNS = (CANARY.encode(), base64.b64encode(f"ann:{CANARY}".encode()).rstrip(b"="))


class _Answers(BaseHTTPRequestHandler):
    """Knows no experiment, and answers all else by a fault that repeats what it was asked."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {})
        elif "get-by-name" in self.path and self.server.friendly:  # type: ignore[attr-defined]
            self._answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"})
        else:
            self._repeat()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._repeat()

    def _repeat(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        whole = f"http://ann:{CANARY}@{self.headers['Host']}{self.path}?token={CANARY}"
        self._answer(403, {"error_code": "PERMISSION_DENIED", "message": f"failed for {whole}"})

    def _answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    serving.friendly, serving.asked = True, 0  # type: ignore[attr-defined]
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


def uri(server: ThreadingHTTPServer) -> str:
    return f"http://ann:{CANARY}@127.0.0.1:{server.server_address[1]}"


def nothing_tells(folder: Path, *said: str) -> None:
    everything = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert everything
    for content in (*everything, *(line.encode() for line in said)):
        for sign in SIGNS:
            assert sign not in content


def test_what_a_faulty_server_repeats_is_hidden_wherever_it_lands(
    server: ThreadingHTTPServer, outbox: Outbox, record: Record
) -> None:
    writer = start_writer(outbox.path, uri(server), "digits")
    try:
        writer.wait_ready()
        record.study_started({"trials": 3})
        arguments = Path(f"/proc/{writer.pid}/cmdline").read_bytes()
        deadline = time.monotonic() + 30
        while not (server.asked and writer.fault):  # type: ignore[attr-defined]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        fault = writer.fault or ""
    finally:
        waiting = writer.drain(timeout=1)
    assert waiting
    assert "failed for http://***@127.0.0.1" in fault
    nothing_tells(outbox.path.parent, fault, arguments.decode(), *record.faults)


def test_neither_a_refusal_at_the_start_nor_sync_tells_it(
    server: ThreadingHTTPServer, outbox: Outbox, record: Record, tmp_path: Path
) -> None:
    server.friendly = False  # type: ignore[attr-defined]
    writer = start_writer(outbox.path, uri(server), "digits")
    with pytest.raises(TrackingUnavailable) as caught:
        writer.wait_ready()
    record.study_started({"trials": 3})
    synced = sync_one(outbox.path, tmp_path / "results", uri(server), patience=1)
    assert synced.waiting
    nothing_tells(outbox.path.parent, str(caught.value), synced.model_dump_json())
