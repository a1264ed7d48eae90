"""A folder of weights of the test's own, and images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from memgan.data import Pixels


@pytest.fixture
def weights_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where weights are looked for, empty; no package has any."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("MEMGAN_BACKBONES", str(folder))
    monkeypatch.setattr("memgan.features.weights_place.find_spec", lambda name: None)
    return folder


@pytest.fixture
def photographs() -> Pixels:
    """Five colour images of soft stripes, uint8 (5, 3, 48, 40)."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :40]
    turns = rng.uniform(0, 3, (5, 3, 1, 1))
    waves = np.sin(turns * rows / 5) * np.cos(turns * columns / 7)
    return (128 + 100 * waves).astype(np.uint8)
