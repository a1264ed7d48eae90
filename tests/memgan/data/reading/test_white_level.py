"""Files of more than eight bits: what is white in them, and no loss of grey levels in silence."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from memgan.config.named_configurations import digest, named_configuration
from memgan.config.typed import DataConfig, parse
from memgan.data import Source, load_source, load_split
from memgan.data.reading.image_files import read_image
from memgan.data.reading.npz_stream import stream_npz_images
from memgan.data.reading.white_level import FewGreyLevels
from memgan.errors import ConfigError, DataError

TWELVE_BITS = 4095
RAMP = np.linspace(0, TWELVE_BITS, 80).round().astype(np.uint16).reshape(8, 10)
EIGHT_BITS = np.rint(RAMP * (255 / TWELVE_BITS)).astype(np.uint8)


def load(source: Path, **values: object) -> Source:
    return load_source(DataConfig.model_validate({"source": str(source), **values}))


def camera(folder: Path, brightest: int = TWELVE_BITS, suffix: str = ".png") -> Path:
    """Two classes of three images each, of 16 bits, whose largest value is `brightest`."""
    rng = np.random.default_rng(0)
    for name in ("bad", "good"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            values = rng.integers(0, brightest, (8, 10)).astype(np.uint16)
            values[0, 0] = brightest
            Image.fromarray(values).save(folder / name / f"{number}{suffix}")
    return folder


def png_of_colours(path: Path, values: np.ndarray[Any, Any]) -> Path:
    """Colour with 16 bits, (H, W, 3), which Pillow reads and does not write."""
    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind: bytes, content: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + sum_

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_white_is_what_the_user_says_it_is(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ramp{suffix}"
    Image.fromarray(RAMP).save(path)

    assert len(np.unique(read_image(path))) == 17
    assert np.array_equal(read_image(path, white_level=TWELVE_BITS)[0], EIGHT_BITS)
    assert np.array_equal(read_image(path, white_level=65535), read_image(path))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(
    ("brightest", "levels", "white"), [(4095, 17, 4095), (800, 4, 1023), (16383, 65, 16383)]
)
def test_a_camera_of_few_bits_is_told_the_grey_levels_and_the_key(
    tmp_path: Path, suffix: str, brightest: int, levels: int, white: int
) -> None:
    (remark,) = load(camera(tmp_path / "photos", brightest, suffix)).remarks

    assert f"6 images of 16 bits reach {brightest} of 65535 and become {levels} grey" in remark
    assert f"data.white_level to the value that is white in them, such as {white}" in remark


def test_no_word_where_the_range_is_used_or_white_is_said(tmp_path: Path) -> None:
    assert load(camera(tmp_path / "full", 65535)).remarks == ()
    assert load(camera(tmp_path / "camera"), white_level=TWELVE_BITS).remarks == ()


def test_one_bright_file_speaks_for_its_camera(tmp_path: Path) -> None:
    root = camera(tmp_path / "photos")
    Image.fromarray(RAMP * 16).save(root / "good" / "bright.png")

    assert load(root, image_size=8).remarks == ()


def test_white_changes_the_images_and_so_the_hash_of_the_split(tmp_path: Path) -> None:
    root = camera(tmp_path / "photos")
    plain, said = (
        load_split(DataConfig(source=str(root), white_level=white)) for white in (None, TWELVE_BITS)
    )

    assert said.development.train.images.max() == 255
    assert plain.hash != said.hash
    assert plain.remarks
    assert said.remarks == ()


def test_a_key_that_is_not_set_leaves_recorded_digests_as_they_were() -> None:
    plain = named_configuration("mnist", "memgan-recipe")
    said = plain.model_copy(update={"data": DataConfig(source="mnist", white_level=TWELVE_BITS)})

    assert digest(plain, "3") == "64effa435795"
    assert digest(said, "3") != digest(plain, "3")


@pytest.mark.parametrize("value", [0, -1, 65536, "white", 4095.5])
def test_a_white_level_that_no_file_can_have_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="white_level"):
        parse(DataConfig, {"white_level": value}, "data")


def test_a_white_beyond_the_bits_of_a_file_is_refused(tmp_path: Path) -> None:
    Image.fromarray(EIGHT_BITS).save(tmp_path / "a.png")

    with pytest.raises(DataError, match=r"a\.png .*end at 255, so data\.white_level=4095 cannot"):
        read_image(tmp_path / "a.png", white_level=TWELVE_BITS)
    assert np.array_equal(read_image(tmp_path / "a.png", white_level=255)[0], EIGHT_BITS)


def test_a_white_below_eight_bits_holds_for_grey_and_colour(tmp_path: Path) -> None:
    six_bits = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(six_bits).save(tmp_path / "grey.png")
    Image.fromarray(np.repeat(six_bits[..., None], 3, axis=2)).save(tmp_path / "colour.png")
    expected = np.rint(six_bits * (255 / 63)).astype(np.uint8)

    assert np.array_equal(read_image(tmp_path / "grey.png", white_level=63)[0], expected)
    assert np.array_equal(read_image(tmp_path / "colour.png", white_level=63)[1], expected)


def test_a_value_brighter_than_white_is_refused_and_never_clipped(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")

    with pytest.raises(DataError, match=r"values reach 4095, more than data\.white_level=1023"):
        read_image(tmp_path / "a.png", white_level=1023)


def test_a_file_that_says_itself_what_is_white_is_not_scaled_twice(tmp_path: Path) -> None:
    path = tmp_path / "ramp.pgm"
    path.write_bytes(b"P5 10 8 4095\n" + RAMP.astype(">u2").tobytes())
    few = FewGreyLevels()

    assert np.array_equal(read_image(path, few=few)[0], EIGHT_BITS)
    assert np.array_equal(read_image(path, white_level=TWELVE_BITS)[0], EIGHT_BITS)
    assert few.remarks() == []
    with pytest.raises(DataError, match=r"says itself that 4095 is white, data\.white_level says"):
        read_image(path, white_level=1023)


def test_colour_of_sixteen_bits_is_read_by_its_upper_half_and_that_is_told(tmp_path: Path) -> None:
    colours = np.stack([RAMP, RAMP[::-1], RAMP], axis=2)
    for name, pixels in (("bad", colours), ("good", colours[:, ::-1])):
        path = png_of_colours(tmp_path / name / "1.png", pixels)

    (remark,) = load(tmp_path).remarks

    assert read_image(path).shape == (3, 8, 10)
    assert "2 images of 16 bits a colour are read by their upper 8 bits" in remark
    assert "become 16 grey levels a colour" in remark
    with pytest.raises(DataError, match=r"upper 8 of its 16 bits a colour .*cannot hold"):
        load(tmp_path, white_level=TWELVE_BITS)


def test_colour_that_fills_sixteen_bits_needs_no_word(tmp_path: Path) -> None:
    colours = np.stack([RAMP * 16, RAMP * 16, RAMP[::-1] * 16], axis=2)
    for name, pixels in (("bad", colours), ("good", colours[:, ::-1])):
        png_of_colours(tmp_path / name / "1.png", pixels)

    assert load(tmp_path).remarks == ()


@pytest.mark.parametrize("kind", ["uint16", "int64", "float32"])
def test_an_array_and_a_file_of_the_same_white_agree(
    write_npz: Callable[..., Path], kind: str
) -> None:
    path = write_npz(x=np.stack([RAMP, RAMP[::-1]] * 3).astype(kind), y=[0, 1] * 3)

    images = load(path, white_level=TWELVE_BITS).train.images

    assert np.array_equal(images[0, 0], EIGHT_BITS)
    streamed = np.concatenate(list(stream_npz_images(write_npz(x=RAMP[None]), 4, white_level=4095)))
    assert np.array_equal(streamed[0, 0], EIGHT_BITS)


@pytest.mark.parametrize(
    ("array", "white", "message"),
    [
        (RAMP, None, r"run from 0 to 4095; .*data\.white_level"),
        (RAMP, 1023, r"run from 0 to 4095; allowed is 0 to data\.white_level=1023"),
        (EIGHT_BITS, 4095, r"uint8, whose values end at 255, so data\.white_level=4095 cannot"),
        (RAMP / TWELVE_BITS, 4095, r"fractions from 0 to 1, so data\.white_level=4095 cannot"),
    ],
)
def test_an_array_that_such_a_white_cannot_hold_for_is_refused(
    write_npz: Callable[..., Path], array: np.ndarray[Any, Any], white: int | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load(write_npz(x=np.stack([array] * 4), y=[0, 1] * 2), white_level=white)


def test_a_named_data_set_says_itself_what_is_white() -> None:
    with pytest.raises(DataError, match=r"data\.white_level is for files of your own"):
        load_source(DataConfig(source="digits", white_level=16))
