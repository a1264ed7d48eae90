"""The outline of a source, by headers and names alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from memgan.config.typed import DataConfig
from memgan.data.outlines import outline
from memgan.errors import DataError, UnknownName


def test_a_folder_is_outlined_by_parts_classes_and_sizes(write_folder: Callable[..., Path]) -> None:
    root = write_folder({"train/good": 5, "test/good": 2, "test/bad": 3})
    Image.new("L", (30, 20)).save(root / "train" / "good" / "large.png")
    (root / "train" / "good" / "broken.png").write_bytes(b"no image")

    found = outline(DataConfig(source=str(root)))

    assert found.counts == {"train": {"good": 7}, "test": {"good": 2, "bad": 3}}
    assert found.sizes == {(10, 12): 10, (20, 30): 1}


def test_a_photograph_that_lies_on_its_side_counts_upright(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    orientation = Image.Exif()
    orientation[0x0112] = 6
    Image.new("L", (40, 16)).save(tmp_path / "good" / "1.jpg", exif=orientation)

    assert outline(DataConfig(source=str(tmp_path))).sizes == {(40, 16): 1}


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (1, 8, 9)])
def test_an_npz_is_outlined_by_headers_and_labels(
    write_npz: Callable[..., Path], random_images: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    path = write_npz(x_train=random_images(6, *shape), y_train=[0, 1] * 3)

    found = outline(DataConfig(source=str(path)))

    assert found.counts == {"train": {"0": 3, "1": 3}}
    assert found.sizes == {(8, 9): 6}


def test_a_named_source_is_outlined_too() -> None:
    found = outline(DataConfig(source="digits"))

    assert sum(found.counts["train"].values()) == 1797
    assert found.sizes == {(8, 8): 1797}


def test_what_cannot_be_outlined_is_refused_as_the_loader_does(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", z=np.zeros(3))

    with pytest.raises(DataError, match="expected the arrays"):
        outline(DataConfig(source=str(tmp_path / "other.npz")))
    with pytest.raises(DataError, match="nowhere does not exist"):
        outline(DataConfig(source=str(tmp_path / "nowhere")))
    with pytest.raises(UnknownName):
        outline(DataConfig(source="nowhere"))
