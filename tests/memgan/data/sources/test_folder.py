"""Folders of images: what is read, in which order, and what is refused."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.config.typed import DataConfig
from memgan.data import Source, load_source
from memgan.errors import DataError

WriteFolder = Callable[..., Path]


def load(root: Path, **values: object) -> Source:
    return load_source(DataConfig.model_validate({"source": str(root), **values}))


def grey(path: Path, value: int, size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(size[::-1], value, dtype=np.uint8)
    pixels[0, 0] = 255 - value
    Image.fromarray(pixels).save(path)


def test_files_come_by_name_and_classes_by_number(tmp_path: Path) -> None:
    for name in ("10", "9"):
        for number in (2, 1, 3):
            grey(tmp_path / name / f"{number}.png", int(name) * 10 + number)

    train = load(tmp_path).train

    assert train.class_names == ("9", "10")
    assert train.images[:, 0, 5, 5].tolist() == [91, 92, 93, 101, 102, 103]
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_hidden_and_other_files_are_left_out(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 3, "b": 3})
    (root / ".git").mkdir()
    (root / "notes.txt").write_text("about the pictures")
    (root / "a" / "Thumbs.db").write_bytes(b"no image")
    (root / "a" / "._001.png").write_bytes(b"no image")

    assert load(root).train.counts() == {"a": 3, "b": 3}


def test_linked_classes_are_followed_and_a_loop_ends(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 3, "b": 4})
    (root / "c").symlink_to(root / "b")
    (root / "a" / "self").symlink_to(root / "a")

    assert load(root).train.counts() == {"a": 3, "b": 4, "c": 4}


def test_normals_alone_in_train_keep_their_defects_in_test(write_folder: WriteFolder) -> None:
    source = load(write_folder({"train/good": 5, "test/good": 2, "test/crack": 3}))

    assert source.test is not None
    assert source.train.counts() == {"crack": 0, "good": 5}
    assert source.test.counts() == {"crack": 3, "good": 2}


def test_one_coloured_image_makes_the_source_coloured(tmp_path: Path) -> None:
    grey(tmp_path / "a" / "1.png", 10)
    Image.new("RGB", (12, 10), (200, 0, 0)).save(tmp_path / "a" / "2.png")

    images = load(tmp_path).train.images

    assert images.shape == (2, 3, 10, 12)
    assert images[0, :, 5, 5].tolist() == [10, 10, 10]
    assert images[1, :, 5, 5].tolist() == [200, 0, 0]


def test_unequal_sizes_are_refused_by_name_until_a_size_is_set(tmp_path: Path) -> None:
    grey(tmp_path / "a" / "1.png", 10, (12, 10))
    grey(tmp_path / "a" / "2.png", 10, (20, 30))

    with pytest.raises(DataError, match=r"1\.png is 10×12, .*2\.png is 30×20 .*image_size"):
        load(tmp_path)
    assert load(tmp_path, image_size=16).train.image_shape == (1, 16, 16)


def test_an_unreadable_image_is_named_and_refused(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 3})
    whole = (root / "a" / "001.png").read_bytes()
    (root / "a" / "001.png").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match=r"unreadable image .*a/001\.png .*unreadable=skip"):
        load(root)


def test_unreadable_images_are_skipped_with_a_count_when_asked(
    write_folder: WriteFolder, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_folder({"a": 4, "b": 3})
    (root / "a" / "001.png").write_bytes(b"no image")
    (root / "b" / "000.png").unlink()
    (root / "b" / "000.png").symlink_to("nowhere.png")
    intact = load(write_folder({"a": 4, "b": 3}, name="intact")).train

    with caplog.at_level(logging.WARNING, logger="memgan"):
        train = load(root, unreadable="skip").train

    assert train.fingerprint() == intact.take(np.array([0, 2, 3, 5, 6])).fingerprint()
    assert "skipped 2 of 7 images" in caplog.text
    assert "001.png" in caplog.text


def test_a_class_without_one_readable_image_is_refused(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 4, "b": 1})
    (root / "b" / "000.png").write_bytes(b"no image")

    with pytest.raises(DataError, match="no image of class 'b' is readable"):
        load(root, unreadable="skip")


@pytest.mark.parametrize(
    ("classes", "empty", "message"),
    [
        ({"a": 3}, "b", "/b holds no images"),
        ({"train/a": 3}, "test/a", "/test/a holds no images"),
        ({"train/a": 3}, "test", "/test holds no class folders"),
        ({"test/a": 3}, "other", "none called train"),
        ({"a,b": 3}, None, "class name 'a,b'"),
        ({"all": 3}, None, "may not be called 'all'"),
        ({"a" * 201: 3}, None, "longer than 200 bytes"),
    ],
)
def test_folders_that_fit_no_layout_are_refused(
    write_folder: WriteFolder, classes: dict[str, int], empty: str | None, message: str
) -> None:
    root = write_folder(classes)
    if empty is not None:
        (root / empty).mkdir(parents=True)

    with pytest.raises(DataError, match=message) as raised:
        load(root)
    assert "\n" not in str(raised.value)


def test_images_outside_class_folders_are_told_the_layout(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 3})

    with pytest.raises(
        DataError, match=r"no class folders; 3 images lie in it; move .*expected DIR/<class>"
    ):
        load(root / "a")


def test_a_pipe_among_images_is_named_and_nobody_waits_for_it(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 3})
    os.mkfifo(root / "a" / "pipe.png")

    with pytest.raises(DataError, match=r"pipe\.png .*no plain file"):
        load(root)
    assert load(root, unreadable="skip").train.counts() == {"a": 3}


@pytest.mark.parametrize("suffix", [".jfif", ".JPE"])
def test_other_suffixes_of_jpeg_are_read(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "a").mkdir()
    Image.new("L", (12, 10), 7).save(tmp_path / "a" / f"1{suffix}", format="JPEG")
    Image.linear_gradient("L").resize((12, 10)).save(tmp_path / "a" / "2.PNM", format="PPM")

    assert len(load(tmp_path).train) == 2
