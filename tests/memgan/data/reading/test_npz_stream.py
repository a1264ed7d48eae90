"""Arrays read a few images at a time, held against reading them whole."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memgan.data.reading.npz_stream import stream_npz_images
from memgan.errors import DataError

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (11, 9, 8), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (7, 9, 8, 3), dtype=np.uint8)


def streamed(path: Path, at_once: int = 4) -> Array:
    parts = list(stream_npz_images(path, at_once))
    assert all(len(part) <= at_once for part in parts)
    assert all(part.dtype == np.uint8 for part in parts)
    return np.concatenate(parts)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
        (np.asfortranarray(GREY), GREY[:, None]),
        (GREY.astype(np.float32) / 255, GREY[:, None]),
        (GREY.astype(np.float64), GREY[:, None]),
        (GREY.astype(np.int64), GREY[:, None]),
    ],
    ids=["grey", "channels last", "channels first", "by columns", "to 1", "to 255", "whole"],
)
def test_a_stream_gives_what_is_stored(
    save: Any, stored: Array, expected: Array, tmp_path: Path
) -> None:
    save(tmp_path / "a.npz", x=stored, y=np.arange(len(stored)))
    np.testing.assert_array_equal(streamed(tmp_path / "a.npz"), expected)


def test_the_range_is_that_of_the_whole_array_and_not_of_its_first_images(tmp_path: Path) -> None:
    stored = np.zeros((9, 8, 8), dtype=np.float32)
    stored[8] = 255.0
    stored[0] = 1.0
    np.savez(tmp_path / "a.npz", x=stored)
    found = streamed(tmp_path / "a.npz")
    assert (found[0].max(), found[8].max()) == (1, 255)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.full((5, 8, 8), np.nan), "NaN"),
        (np.full((5, 8, 8), -1.0), "pixel values run from -1"),
        (np.array([{"a": 1}] * 5, dtype=object), "pickled objects"),
        (np.zeros((5, 8)), "shape"),
    ],
)
def test_what_is_no_images_is_refused_before_any_is_given(
    stored: Array, message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", x=stored)
    with pytest.raises(DataError, match=message):
        next(stream_npz_images(tmp_path / "a.npz", 4))


def test_another_name_and_no_archive_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=GREY)
    (tmp_path / "b.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="no array 'x'"):
        next(stream_npz_images(tmp_path / "a.npz", 4))
    with pytest.raises(DataError, match=r"b\.npz"):
        next(stream_npz_images(tmp_path / "b.npz", 4))


def _with_header(path: Path, shape: tuple[int, ...], body: bytes) -> None:
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    member = io.BytesIO()
    member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", member.getvalue())


def test_a_header_that_claims_a_million_billion_rows_is_refused(tmp_path: Path) -> None:
    _with_header(tmp_path / "a.npz", (10**15, 8, 8), b"\0" * 6400)
    with pytest.raises(DataError, match="its header tells of"):
        next(stream_npz_images(tmp_path / "a.npz", 4))


def test_an_image_of_a_billion_pixels_is_refused(tmp_path: Path) -> None:
    _with_header(tmp_path / "a.npz", (1, 100_000, 100_000), b"\0" * 64)
    with pytest.raises(DataError, match="too many pixels"):
        next(stream_npz_images(tmp_path / "a.npz", 4))


def test_an_archive_that_unpacks_to_far_more_takes_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    rows = 4096
    _with_header(tmp_path / "a.npz", (rows, 128, 128), b"\0" * (rows * 128 * 128))
    assert (tmp_path / "a.npz").stat().st_size < 2**20
    tracemalloc.start()
    count = sum(len(part) for part in stream_npz_images(tmp_path / "a.npz", 64))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == rows
    assert peak < 24 * 2**20
