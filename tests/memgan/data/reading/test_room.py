"""Images that do not fit the memory are refused by their headers, before any is read."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy
from PIL import Image

from memgan.config.typed import DataConfig
from memgan.data import Source, load_source
from memgan.data.reading import image_files, room
from memgan.errors import DataError

FreeMemory = Callable[[int | None], None]


@pytest.fixture
def free_memory(monkeypatch: pytest.MonkeyPatch) -> FreeMemory:
    """(bytes) -> the machine has so much free; None: it does not tell."""
    real = room.machine_share()

    def have(amount: int | None) -> None:
        monkeypatch.setattr(room, "machine_share", lambda: replace(real, free_memory=amount))

    return have


@pytest.fixture
def never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("an image was read")

    monkeypatch.setattr(image_files, "read_image", fail)


def load(source: Path | str, **values: object) -> Source:
    return load_source(DataConfig.model_validate({"source": str(source), **values}))


def header_alone(path: Path, width: int, height: int, kind: int = 2) -> None:
    """A PNG that says what it holds and holds nothing; kind 0 is grey, 2 colour."""
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n\0\0\0\x0d"
        + content
        + struct.pack(">I", zlib.crc32(content))
        + b"\0\0\0\0IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )


def photographs(root: Path, count: int, width: int, height: int, kind: int = 2) -> Path:
    for name in ("bad", "good"):
        for number in range(count // 2):
            header_alone(root / name / f"{number}.png", width, height, kind)
    return root


def test_images_that_do_not_fit_are_refused_with_what_would(
    tmp_path: Path, free_memory: FreeMemory, never_read: None
) -> None:
    root = photographs(tmp_path / "photos", 40, 2000, 1000)
    free_memory(600 * 2**20)

    with pytest.raises(DataError) as refused:
        load(root)

    assert str(refused.value) == (
        f"{root}: 40 images of 3×1000×2000 (C×H×W) would take 686.6 MiB of memory, and 600.0 MiB"
        " are free; set data.image_size to 1321 or less, or data.channels=1"
    )


def test_an_image_larger_than_any_may_be_is_refused_by_its_header(
    tmp_path: Path, free_memory: FreeMemory, never_read: None
) -> None:
    root = photographs(tmp_path / "photos", 4, 4000, 3000)
    free_memory(None)

    with pytest.raises(DataError, match=r"3×3000×4000 .* more than 16777216 values; set a smaller"):
        load(root)


def test_the_size_that_the_line_names_fits(
    write_folder: Callable[..., Path], free_memory: FreeMemory
) -> None:
    root = write_folder({"a": 8, "b": 8}, shape=(64, 64))
    free_memory(3 * 16 * 40 * 40)

    with pytest.raises(DataError, match="memory") as refused:
        load(root)
    (size,) = re.findall(r"data\.image_size to (\d+) or less", str(refused.value))
    assert load(root, image_size=int(size)).train.image_shape == (1, 40, 40)
    with pytest.raises(DataError, match="memory"):
        load(root, image_size=int(size) + 1)


def test_a_size_to_resize_to_that_is_a_slip_is_refused(
    write_folder: Callable[..., Path], free_memory: FreeMemory, never_read: None
) -> None:
    free_memory(2**30)

    with pytest.raises(DataError, match=r"40 images of 1×4000×4000 .* 1\.8 GiB .* 1\.0 GiB"):
        load(write_folder({"a": 20, "b": 20}), image_size=4000)


def test_grey_needs_a_third_of_colour(tmp_path: Path, free_memory: FreeMemory) -> None:
    values = np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8)
    palette = Image.fromarray(values).convert("P")
    palette.putpalette([level for grey in range(256) for level in (grey, grey, grey)])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        palette.save(tmp_path / name / "palette.png")
        palette.save(tmp_path / name / "palette.gif")
        Image.fromarray(values).save(tmp_path / name / "grey.png")
    files = len(list(tmp_path.rglob("*.*")))
    free_memory(3 * files * 16 * 16)

    assert load(tmp_path).train.image_shape == (1, 16, 16)
    with pytest.raises(DataError, match="memory"):
        load(tmp_path, channels=3)


def test_no_header_is_looked_at_where_everything_fits_anyway(
    write_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "read_header", lambda path: pytest.fail("a header was read"))

    assert len(load(write_folder({"a": 3, "b": 3}), image_size=8).train) == 6


def test_a_system_that_does_not_tell_its_memory_refuses_nothing(
    write_folder: Callable[..., Path], free_memory: FreeMemory
) -> None:
    free_memory(None)

    assert len(load(write_folder({"a": 3, "b": 3})).train) == 6


def test_a_damaged_file_among_large_ones_is_named_and_not_weighed(
    write_folder: Callable[..., Path], free_memory: FreeMemory
) -> None:
    root = write_folder({"a": 4, "b": 4})
    (root / "a" / "002.png").write_bytes(b"no image")
    free_memory(3 * 7 * 10 * 12)

    with pytest.raises(DataError, match=r"unreadable image .*002\.png"):
        load(root)
    assert len(load(root, unreadable="skip").train) == 7


def lying_npz(path: Path, shape: tuple[int, ...]) -> Path:
    """Arrays whose header tells of `shape`, and of whose values there are none."""
    header = io.BytesIO()
    npy.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    return path


def test_arrays_are_refused_by_their_headers(tmp_path: Path, free_memory: FreeMemory) -> None:
    free_memory(2**30)

    with pytest.raises(DataError) as refused:
        load(lying_npz(tmp_path / "a.npz", (90_000, 64, 64)))

    assert "a.npz: x: 90000 images of 1×64×64 (C×H×W) would take 1.0 GiB" in str(refused.value)
    assert "set data.image_size to 63 or less" in str(refused.value)


def test_arrays_that_are_resized_must_fit_as_they_are_stored(
    tmp_path: Path, free_memory: FreeMemory
) -> None:
    free_memory(2**30)

    with pytest.raises(DataError, match=r"arrays would take 3\.7 GiB .* a folder of image files"):
        load(lying_npz(tmp_path / "a.npz", (1000, 2000, 2000)), image_size=16)


def test_arrays_that_just_fit_are_loaded(
    write_npz: Callable[..., Path],
    random_images: Callable[..., np.ndarray],
    free_memory: FreeMemory,
) -> None:
    path = write_npz(x=random_images(50, 16, 16), y=np.arange(50) % 2)
    free_memory(3 * 50 * 16 * 16)

    assert len(load(path).train) == 50
    free_memory(3 * 50 * 16 * 16 - 1)
    with pytest.raises(DataError, match="memory"):
        load(path)


def test_a_bare_array_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bare.npz"
    with path.open("wb") as file:
        npy.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (2**20, 2**20)}
        )
        file.truncate(2**40 + file.tell())

    with pytest.raises(DataError, match="one bare array"):
        load(path)


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_a_named_data_set_that_is_made_too_large_is_refused(
    write_idx: Callable[[str], Path], free_memory: FreeMemory, name: str
) -> None:
    free_memory(2**28)

    with pytest.raises(DataError, match=rf"{name}: \d+ images of 1×2000×2000 .* memory"):
        load(name, dir=write_idx("MNIST"), image_size=2000)
