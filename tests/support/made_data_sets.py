"""Tiny data sets of every kind, written the way users write them."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def noise(n: int, *shape: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


@pytest.fixture
def random_images() -> Callable[..., Pixels]:
    """(n, *shape, seed=0) -> uint8 noise; the same seed gives the same images."""
    return noise


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    """({"train/good": 5, ...}, shape=(10, 12)) -> a folder of distinct PNG files."""

    def write(
        classes: Mapping[str, int],
        *,
        shape: tuple[int, ...] = (10, 12),
        suffix: str = ".png",
        name: str = "pictures",
    ) -> Path:
        root = tmp_path / name
        for seed, (inner, count) in enumerate(classes.items()):
            folder = root / inner
            folder.mkdir(parents=True)
            for number, pixels in enumerate(noise(count, *shape, seed=seed)):
                Image.fromarray(pixels).save(folder / f"{number:03d}{suffix}")
        return root

    return write


@pytest.fixture
def write_npz(tmp_path: Path) -> Callable[..., Path]:
    """(x=..., y=..., ...) -> an .npz file of these arrays."""

    def write(**arrays: Any) -> Path:
        path = tmp_path / "arrays.npz"
        np.savez(path, **arrays)
        return path

    return write


@pytest.fixture
def write_idx(tmp_path: Path) -> Callable[[str], Path]:
    """("MNIST") -> a data folder with 40 train and 20 test images in the official idx files."""

    def write(folder: str) -> Path:
        raw = tmp_path / "data" / folder / "raw"
        raw.mkdir(parents=True)
        for part, count in (("train", 40), ("t10k", 20)):
            images = noise(count, 28, 28, seed=count)
            labels = np.arange(count, dtype=np.uint8) % 10
            for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
                header = np.array([0x800 + array.ndim, *array.shape], dtype=">i4")
                (raw / f"{part}-{kind}-ubyte").write_bytes(header.tobytes() + array.tobytes())
        return tmp_path / "data"

    return write


@pytest.fixture
def write_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """() -> a data folder with tiny batches in CIFAR-10's layout.

    torchvision takes only files with the official sums, so its list is given those of ours.
    """

    def write() -> Path:
        from torchvision.datasets import CIFAR10

        folder = tmp_path / "data" / "cifar-10-batches-py"
        folder.mkdir(parents=True)

        def put(name: str, content: dict[str, Any]) -> str:
            (folder / name).write_bytes(pickle.dumps(content))
            return hashlib.md5((folder / name).read_bytes()).hexdigest()

        def batch(name: str, seed: int) -> list[str]:
            labels = list(range(10)) * 2
            return [name, put(name, {"data": noise(20, 3072, seed=seed), "labels": labels})]

        train = [batch(f"data_batch_{number}", number) for number in range(1, 6)]
        monkeypatch.setattr(CIFAR10, "train_list", train)
        monkeypatch.setattr(CIFAR10, "test_list", [batch("test_batch", 6)])
        names = {"label_names": [f"label {number}" for number in range(10)]}
        meta = {**CIFAR10.meta, "md5": put("batches.meta", names)}
        monkeypatch.setattr(CIFAR10, "meta", meta)
        return tmp_path / "data"

    return write
