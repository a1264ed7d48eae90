"""Figures are drawn, readable as images, and without global state."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from memgan.figures import PALETTE, image_grid, roc_figure, save_figure

FLAGS = np.array([False, False, True, True])


def test_a_curve_a_class_with_its_area() -> None:
    perfect, blind = np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4)

    figure = roc_figure({"0": (perfect, FLAGS), "ship": (blind, FLAGS)}, "title")

    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["0  100.0", "ship  50.0"]
    assert figure.axes[0].get_title() == "title"


def test_ten_classes_are_told_apart() -> None:
    scores = np.array([0.0, 1.0, 2.0, 3.0])

    figure = roc_figure({str(n): (scores, FLAGS) for n in range(10)}, "")

    curves = figure.axes[0].lines[:10]
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == 10
    assert len(PALETTE) == len(set(PALETTE))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_image_where_it_belongs(channels: int) -> None:
    images = np.arange(7 * channels * 4 * 5, dtype=np.uint8).reshape(7, channels, 4, 5)

    figure = image_grid(images, "", columns=3)

    sheet = np.asarray(figure.axes[0].images[0].get_array())
    assert sheet.shape[:2] == (3 * 5, 3 * 6)
    shown = sheet[5:9, 6:11]  # row 1, column 1: the fifth image
    expected = images[4].transpose(1, 2, 0)
    np.testing.assert_array_equal(shown, expected if channels == 3 else expected[:, :, 0])


def test_a_figure_becomes_a_light_png_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "figure.png"

    save_figure(image_grid(np.zeros((4, 1, 8, 8), np.uint8), "memory"), path)

    with Image.open(path) as picture:
        assert picture.format == "PNG"
    assert path.stat().st_size < 100_000


def test_no_window_system_is_asked_for() -> None:
    assert isinstance(image_grid(np.zeros((1, 1, 8, 8), np.uint8), ""), Figure)
    assert (
        "matplotlib.pyplot" not in sys.modules or sys.modules["matplotlib"].get_backend() == "agg"
    )
