"""Arrays: the layouts and ranges that are taken, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan.config.typed import DataConfig
from memgan.data import Source, load_source
from memgan.errors import DataError

WriteNpz = Callable[..., Path]
LABELS = np.arange(12) % 2


def load(path: Path, **values: object) -> Source:
    return load_source(DataConfig.model_validate({"source": str(path), **values}))


@pytest.fixture
def x(random_images: Callable[..., Any]) -> Any:
    return random_images(12, 9, 10)


def test_every_layout_gives_the_same_pixels(write_npz: WriteNpz, x: Any) -> None:
    layouts = [x, x[..., None], x[:, None], x.astype(np.int32), x / 255, x.astype(np.float32)]

    loaded = [load(write_npz(x=layout, y=LABELS)).train.images for layout in layouts]

    assert all(np.array_equal(images, x[:, None]) for images in loaded)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((12, 9, 10, 3), (3, 9, 10)),
        ((12, 3, 9, 10), (3, 9, 10)),
        ((12, 9, 10, 4), (4, 9, 10)),
        ((12, 5, 9, 10), (5, 9, 10)),
    ],
)
def test_channels_are_found_first_or_last(
    write_npz: WriteNpz,
    random_images: Callable[..., Any],
    shape: tuple[int, ...],
    expected: tuple[int, ...],
) -> None:
    images = random_images(*shape)

    assert load(write_npz(x=images, y=LABELS)).train.image_shape == expected


def test_labels_are_ordered_by_number_or_by_spelling(write_npz: WriteNpz, x: Any) -> None:
    numbers = np.array([10, 9, 2] * 4)[:, None]
    words = np.array(["pear", "apple", "fig"] * 4)

    by_number = load(write_npz(x=x, y=numbers)).train
    by_word = load(write_npz(x=x, y=words)).train

    assert by_number.class_names == ("2", "9", "10")
    assert by_number.labels[:3].tolist() == [2, 1, 0]
    assert by_word.class_names == ("apple", "fig", "pear")
    assert by_word.labels[:3].tolist() == [2, 0, 1]


def test_a_class_of_the_test_part_alone_is_known(write_npz: WriteNpz, x: Any) -> None:
    path = write_npz(x_train=x[:6], y_train=np.zeros(6, int), x_test=x[6:], y_test=LABELS[6:])

    source = load(path)

    assert source.train.counts() == {"0": 6, "1": 0}
    assert source.test is not None
    assert source.test.counts() == {"0": 3, "1": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": lambda x: np.where(x == x[0, 0, 0], np.nan, x)}, "NaN or infinite"),
        ({"x": lambda x: np.where(x == x[0, 0, 0], np.inf, x)}, "NaN or infinite"),
        ({"x": lambda x: x.astype(int) - 300}, "run from -300"),
        ({"x": lambda x: x.astype(np.uint16) * 200}, "scale them to 0 to 255"),
        ({"x": lambda x: x > 9}, "type bool"),
        ({"x": lambda x: x.astype(object)}, "pickled objects"),
        ({"x": lambda x: x[0]}, r"shape \(9, 10\)"),
        ({"x": lambda x: np.zeros((12, 9, 10, 11), np.uint8)}, "fewer than 8 channels"),
        ({"x": lambda x: x[:0]}, "holds no images"),
        ({"x": lambda x: x[:5]}, "5 images and y 12 labels"),
        ({"x": lambda x: np.full_like(x, 7)}, "every training image is constant"),
        ({"x": lambda x: x[:, :5, :6]}, "images are 5×6, .*image_size=8"),
        ({"y": lambda y: y.astype(float)}, "whole number or string"),
        ({"y": lambda y: y.astype(object)}, "pickled objects"),
        ({"y": lambda y: np.array(["a/b"] * 12)}, "class name 'a/b'"),
        ({"y": lambda y: np.stack([y, y])}, "whole number or string"),
    ],
)
def test_what_cannot_be_images_and_labels_is_refused_in_one_line(
    write_npz: WriteNpz, x: Any, change: dict[str, Callable[[Any], Any]], message: str
) -> None:
    arrays = {"x": x, "y": LABELS}
    path = write_npz(**{k: change.get(k, lambda same: same)(v) for k, v in arrays.items()})

    with pytest.raises(DataError, match=message) as raised:
        load(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "keys", [("x",), ("x", "y_train"), ("x_train", "y_train", "x_test"), ("x", "y", "x_test"), ()]
)
def test_incomplete_sets_of_arrays_are_told_what_is_expected(
    write_npz: WriteNpz, x: Any, keys: tuple[str, ...]
) -> None:
    path = write_npz(**{key: x if key.startswith("x") else LABELS for key in keys})

    with pytest.raises(DataError, match="expected the arrays x_train, y_train"):
        load(path)


def test_parts_in_different_ranges_are_refused(write_npz: WriteNpz, x: Any) -> None:
    path = write_npz(x_train=x / 255, y_train=LABELS, x_test=x, y_test=LABELS)

    with pytest.raises(DataError, match="different ranges"):
        load(path)


def test_parts_of_different_shapes_are_refused_until_a_size_is_set(
    write_npz: WriteNpz, x: Any
) -> None:
    path = write_npz(x_train=x, y_train=LABELS, x_test=x[:, :, :8], y_test=LABELS)

    with pytest.raises(DataError, match=r"1×9×10 .* and 1×9×8"):
        load(path)
    assert load(path, image_size=8).train.image_shape == (1, 8, 8)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04damaged", b"\x80\x04N."])
def test_files_that_are_no_npz_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"x\.npz") as raised:
        load(path)
    assert "\n" not in str(raised.value)


def test_a_damaged_or_bare_array_is_refused(write_npz: WriteNpz, x: Any) -> None:
    path = write_npz(x=x, y=LABELS)
    content = bytearray(path.read_bytes())
    content[400:440] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(DataError, match="x is damaged"):
        load(path)

    with path.open("wb") as file:
        np.save(file, x)
    with pytest.raises(DataError, match="one bare array"):
        load(path)
