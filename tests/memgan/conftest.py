"""Tiny real trainings, made once, that tests of the package look at from several sides."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_data_sets import (  # noqa: F401 - fixtures
    random_images,
    write_cifar,
    write_folder,
    write_idx,
    write_npz,
)

from memgan.bundle.bundle_of_cells import write_bundle
from memgan.config.configuration import Configuration
from memgan.config.typed import DataConfig
from memgan.data import LabeledImages, Source, Split, load_split
from memgan.data.split import make_split
from memgan.training.cells import Cell, train_cell

TINY = {"width": 2, "memory_units": 4, "memory_dim": 4, "batch_size": 64, "epochs": 2}


def make_tiny(parameters: dict[str, Any] | None = None, **values: Any) -> Configuration:
    return Configuration(
        runtime={"device": "cpu"}, parameters={**TINY, **(parameters or {})}, **values
    )


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Configuration]:
    """(parameters, by_class=..., ...) -> a MEMGAN that trains on digits in a blink."""
    return make_tiny


@pytest.fixture(scope="session")
def digits() -> Split:
    """scikit-learn's digits, ten classes, split by the protocol."""
    return load_split(DataConfig(source="digits"))


@pytest.fixture(scope="session")
def cell(digits: Split) -> Cell:
    """The tiny MEMGAN on digit 1 with seed 0."""
    return train_cell(make_tiny(), digits.development, digits.test, "1", seed=0)


@pytest.fixture
def cells(cell: Cell) -> dict[str, list[Cell]]:
    """Two classes and two seeds with round figures."""
    figures = {"0": (0.8, 0.6), "1": (1.0, 0.8)}
    return {
        name: [
            replace(cell, normal_class=name, seed=seed, val_auroc=0.9, test_auroc=value)
            for seed, value in enumerate(values)
        ]
        for name, values in figures.items()
    }


@pytest.fixture(scope="session")
def _bundle(digits: Split, cell: Cell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "1"
    write_bundle(folder, make_tiny(), digits, [cell], 0.1)
    return folder


@pytest.fixture
def bundle(_bundle: Path, tmp_path: Path) -> Path:
    """The folder of that cell's bundle, a copy that a test may damage."""
    return shutil.copytree(_bundle, tmp_path / "bundle")


@pytest.fixture(scope="session")
def unlabelled() -> Split:
    """The usual inspection set: normals alone to train on, a few defects among the test images."""
    rng = np.random.default_rng(0)
    names = ("crack", "good")
    train = LabeledImages(_noise(rng, 30), np.full(30, 1), names)
    test = LabeledImages(_noise(rng, 12), np.array([0, 1, 1, 1] * 3), names)
    return make_split(Source("inspection", train, test), DataConfig())


@pytest.fixture(scope="session")
def normals_alone() -> Split:
    """No labelled anomaly anywhere, not even to test on."""
    train = LabeledImages(_noise(np.random.default_rng(0), 30), np.zeros(30, np.int64), ("good",))
    return make_split(Source("normals", train, None), DataConfig())


@pytest.fixture
def short_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fig. 2 is drawn after a few steps; another test sees with all of them where units settle."""
    monkeypatch.setattr("memgan.paper.drawing.square._STEPS", 10)


def _noise(rng: np.random.Generator, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)
