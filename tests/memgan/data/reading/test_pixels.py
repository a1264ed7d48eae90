"""Every picture mode becomes honest bytes, and files and arrays are treated alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from memgan.data.reading.image_files import read_image
from memgan.data.reading.pixels import conform
from memgan.errors import DataError


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(picture: Image.Image, suffix: str = ".png", **options: Any) -> Path:
        path = tmp_path / f"picture{suffix}"
        picture.save(path, **options)
        return path

    return save


def test_sixteen_bits_are_scaled_not_clipped(saved: Callable[..., Path]) -> None:
    values = np.linspace(0, 65535, 80).round().astype(np.uint16).reshape(8, 10)

    pixels = read_image(saved(Image.fromarray(values)))

    assert np.array_equal(pixels[0], np.rint(values / 257).astype(np.uint8))


def test_transparency_is_laid_on_white(saved: Callable[..., Path]) -> None:
    picture = Image.new("RGBA", (8, 8), (10, 20, 30, 255))
    picture.putpixel((0, 0), (10, 20, 30, 0))

    pixels = read_image(saved(picture))

    assert pixels[:, 0, 0].tolist() == [255, 255, 255]
    assert pixels[:, 4, 4].tolist() == [10, 20, 30]


def test_a_palette_is_looked_up_and_a_grey_one_is_grey(saved: Callable[..., Path]) -> None:
    coloured = Image.new("P", (8, 8), 1)
    coloured.putpalette([0, 0, 0, 250, 40, 10])
    grey = Image.new("P", (8, 8), 1)
    grey.putpalette([0, 0, 0, 77, 77, 77])

    assert read_image(saved(coloured))[:, 3, 3].tolist() == [250, 40, 10]
    assert read_image(saved(grey))[:, 3, 3].tolist() == [77]


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [("1", ".png", 1), ("L", ".bmp", 1), ("LA", ".png", 1), ("CMYK", ".jpg", 3)],
)
def test_other_modes_become_grey_or_colour(
    saved: Callable[..., Path], mode: str, suffix: str, channels: int
) -> None:
    pixels = read_image(saved(Image.new(mode, (9, 8)), suffix))

    assert pixels.shape == (channels, 8, 9)
    assert pixels.dtype == np.uint8


def test_a_photo_is_turned_as_its_camera_noted(saved: Callable[..., Path]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(Image.new("RGB", (20, 10)), ".jpg", exif=exif)

    assert read_image(path).shape == (3, 20, 10)


def test_fractional_grey_is_refused(saved: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="fractions"):
        read_image(saved(Image.new("F", (8, 8)), ".tiff"))


@pytest.mark.parametrize("colour", [1, 3])
@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("size", [None, (9, 14)])
def test_a_file_and_an_array_of_the_same_picture_agree(
    saved: Callable[..., Path],
    random_images: Callable[..., Any],
    colour: int,
    channels: Any,
    size: Any,
) -> None:
    images = random_images(1, colour, 16, 20)
    picture = images[0, 0] if colour == 1 else images[0].transpose(1, 2, 0)

    from_file = read_image(saved(Image.fromarray(picture)), image_size=size, channels=channels)

    assert np.array_equal(from_file, conform(images, size, channels)[0])


def test_shrinking_averages_instead_of_picking(random_images: Callable[..., Any]) -> None:
    stripes = np.zeros((1, 1, 32, 32), dtype=np.uint8)
    stripes[..., ::2] = 255

    small = conform(stripes, (8, 8), None)

    assert small[..., 1:-1].min() > 110
    assert small[..., 1:-1].max() < 145


def test_planes_beyond_colour_are_resized_and_never_mixed(
    random_images: Callable[..., Any],
) -> None:
    images = random_images(2, 5, 12, 12)

    small = conform(images, (8, 8), None)

    assert small.shape == (2, 5, 8, 8)
    assert np.array_equal(small[:, 3:4], conform(images[:, 3:4], (8, 8), None))
    with pytest.raises(DataError, match="5 channels"):
        conform(images, None, 3)
