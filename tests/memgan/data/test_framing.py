"""How images come to one size, and maps back to theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.config import DataConfig
from memgan.data import conform, enlarged, load_source, stream_images
from memgan.data.framing import Frame, frames

WIDE = np.tile(np.arange(0, 240, 15, dtype=np.uint8), (8, 1))[None, None]
"""8×16, brighter from left to right."""


def test_fit_changes_proportions_pad_and_crop_keep_them() -> None:
    fit, pad, crop = (conform(WIDE, (8, 8), None, how)[0, 0] for how in ("fit", "pad", "crop"))

    assert np.array_equal(crop, WIDE[0, 0, :, 4:12])
    assert (pad == pad[0]).all()
    assert np.array_equal(pad[0], fit[0])
    tall = WIDE.transpose(0, 1, 3, 2)
    assert np.array_equal(conform(tall, (8, 8), None, "crop")[0, 0], crop.T)


def test_the_border_is_repeated_around_a_padded_image() -> None:
    rows = np.arange(0, 80, 10, dtype=np.uint8)[:, None].repeat(16, axis=1)[None, None]

    padded = conform(rows, (16, 16), None, "pad")[0, 0, :, 0]

    assert padded.tolist() == [0] * 4 + list(range(0, 80, 10)) + [70] * 4


@pytest.mark.parametrize(
    ("given", "wanted", "how", "expected"),
    [
        ((100, 200), (64, 64), "pad", (Frame(32, -16), Frame(64, 0))),
        ((100, 200), (64, 64), "crop", (Frame(64, 0), Frame(128, 32))),
        ((3, 4000), (64, 64), "pad", (Frame(1, -31), Frame(64, 0))),
        ((333, 500), (256, 224), "pad", (Frame(149, -53), Frame(224, 0))),
        ((333, 500), (256, 224), "crop", (Frame(256, 0), Frame(384, 80))),
        ((50, 50), (64, 64), "crop", (Frame(64, 0), Frame(64, 0))),
    ],
)
def test_the_inner_size_is_that_of_the_formula(
    given: tuple[int, int], wanted: tuple[int, int], how: str, expected: tuple[Frame, Frame]
) -> None:
    assert frames(given, wanted, how) == expected  # type: ignore[arg-type]


def test_a_map_comes_back_to_where_its_image_was() -> None:
    map_ = np.zeros((8, 8), dtype=np.float32)
    map_[3:5, 6] = 1.0

    padded = enlarged(map_, (16, 32), "pad")  # rows 2 to 5 of the map are of the image
    cropped = enlarged(map_, (16, 32), "crop")  # the map is of columns 8 to 23

    assert np.unravel_index(padded.argmax(), (16, 32))[1] in (25, 26)
    assert padded[:, :20].max() == 0
    assert np.unravel_index(cropped.argmax(), (16, 32))[1] in (20, 21)
    assert cropped[:, :8].max() == cropped[:, 24:].max() == 0
    flat = enlarged(np.ones((8, 8), np.float32), (16, 32), "pad")
    np.testing.assert_allclose(flat, 1, rtol=1e-6)


def test_files_are_read_and_scored_in_the_way_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for name in "ab":
        Image.fromarray(WIDE[0, 0]).save(tmp_path / "good" / f"{name}.png")
    config = DataConfig(source=str(tmp_path), image_size=(8, 8), resize="crop")

    trained_on = load_source(config).train.images
    (scored,) = stream_images([tmp_path], (1, 8, 8), print, config=config)

    assert np.array_equal(trained_on[0, 0], WIDE[0, 0, :, 4:12])
    assert np.array_equal(scored.images, trained_on)
