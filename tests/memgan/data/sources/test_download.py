"""Fetching a named set, from a server on loopback in place of the official mirrors."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memgan.config.typed import DataConfig
from memgan.data import load_source
from memgan.errors import DataError


@pytest.fixture
def mirror(
    write_idx: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ThreadingHTTPServer]:
    from torchvision.datasets import MNIST

    raw = write_idx("MNIST") / "MNIST" / "raw"
    sums = []
    for path in sorted(raw.iterdir()):
        packed = raw / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        sums.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(raw))
    )
    monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(MNIST, "resources", sums)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_missing_set_is_fetched_when_asked_and_then_found(
    mirror: ThreadingHTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = DataConfig(source="mnist", dir=tmp_path / "fresh")

    fetched = load_source(config, download=True)

    assert fetched.train.fingerprint() == load_source(config).train.fingerprint()
    assert len(fetched.train) == 40
    assert capsys.readouterr().out == ""


def test_a_server_that_fails_is_told_in_one_line_with_the_layout(
    mirror: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "resources", [("absent.gz", "0" * 32)])

    with pytest.raises(DataError, match=r"could not be downloaded.*404.*MNIST/raw/") as raised:
        load_source(DataConfig(source="mnist", dir=tmp_path / "fresh"), download=True)
    assert "\n" not in str(raised.value)
