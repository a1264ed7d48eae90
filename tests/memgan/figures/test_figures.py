"""Figures of finals show what they were given, as light pictures, and without global state."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.analysis.code_plane import project_to_plane
from memgan.analysis.extremes import Extremes
from memgan.figures import (
    PALETTE,
    codes_figure,
    extremes_figure,
    histogram_figure,
    image_grid,
    image_rows,
    roc_figure,
    save_figure,
)
from memgan.figures.codes import hull_of
from memgan.figures.style import short

FLAGS = np.array([False, False, True, True])
RISING = np.array([0.0, 1.0, 2.0, 3.0])


def test_a_curve_a_class_with_its_area() -> None:
    figure = roc_figure({"0": (RISING, FLAGS), "ship": (np.zeros(4), FLAGS)}, "title")

    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0  100.0", "ship  50.0"]
    assert figure.get_suptitle() == "title"


def test_ten_classes_are_told_apart() -> None:
    figure = roc_figure({str(n): (RISING, FLAGS) for n in range(10)}, "")

    curves = figure.axes[0].lines[:10]
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == 10
    assert len(PALETTE) == len(set(PALETTE))


def test_the_corner_is_shown_larger_where_curves_crowd_in_it() -> None:
    assert len(roc_figure({"0": (RISING, FLAGS)}, "").axes[0].child_axes) == 1
    assert len(roc_figure({"0": (np.zeros(4), FLAGS)}, "").axes[0].child_axes) == 0


def test_histograms_count_every_score_of_each_kind() -> None:
    scores = np.concatenate([np.linspace(0, 1, 200), [1e6]])
    flags = np.arange(201) % 2 == 0

    figure = histogram_figure({"a": (scores, flags), "b": (np.zeros(201), flags)}, "")

    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    for axes in figure.axes:
        shares = [patch.get_data().values.sum() for patch in axes.patches]
        assert shares == pytest.approx([1.0] * 4)  # a filled one and its outline, by kind
        assert axes.get_xlim()[1] < 10


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_image_where_it_belongs(channels: int) -> None:
    images = np.arange(7 * channels * 4 * 5, dtype=np.uint8).reshape(7, channels, 4, 5)

    figure = image_grid(images, "", columns=3)

    sheet = np.asarray(figure.axes[0].images[0].get_array())
    shown = sheet[5:9, 6:11]  # row 1, column 1: the fifth image
    expected = images[4].transpose(1, 2, 0)
    np.testing.assert_array_equal(shown, expected if channels == 3 else expected[:, :, 0])


def test_a_row_of_images_has_its_class_beside_it() -> None:
    rows = {name: np.full((3, 1, 8, 8), value, np.uint8) for value, name in enumerate("ab")}

    axes = image_rows(rows, "").axes[0]

    sheet = np.asarray(axes.images[0].get_array())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [sheet[round(place), 0] for place in axes.get_yticks()] == [0, 1]


@pytest.mark.parametrize("rebuilds", [True, False])
def test_extremes_stand_under_their_end_above_what_was_made_of_them(rebuilds: bool) -> None:
    images = np.arange(8, dtype=np.uint8).repeat(64).reshape(8, 1, 8, 8)
    rebuilt = images + 100 if rebuilds else None
    of_class = Extremes(np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.zeros(8), images, rebuilt)

    axes = extremes_figure({"a": of_class, "b": of_class}, "").axes[0]

    sheet = np.asarray(axes.images[0].get_array())
    heads = {label.get_text(): round(label.get_position()[0]) for label in axes.get_xticklabels()}
    assert heads.keys() >= {"normal\nlowest scores", "anomaly\nhighest scores"}
    at = heads["anomaly\nlowest scores"] - 2  # of two images, the one left of the middle
    assert sheet[4, at] == 4
    assert (sheet[13, at] == 104) == rebuilds
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]


def test_codes_have_the_share_of_variance_and_the_units_hull() -> None:
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(40, 5)).astype(np.float32)
    units = rng.normal(size=(9, 5)).astype(np.float32)
    plane = project_to_plane(codes, np.arange(40) % 2 == 0, units)

    figure = codes_figure({"a": plane}, "")

    assert f"codes {100 * plane.codes_share:.0f} %" in figure.axes[0].get_title()
    (edge,) = figure.axes[0].lines
    np.testing.assert_array_equal(edge.get_xydata()[:-1], hull_of(plane.units))


def test_a_hull_encloses_its_points() -> None:
    square = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1]], np.float32)

    assert sorted(map(tuple, hull_of(square))) == [(0, 0), (0, 2), (2, 0), (2, 2)]


@pytest.mark.parametrize("count", [2, 3, 10])
def test_units_on_a_line_have_a_hull_too(count: int) -> None:
    line = np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32)

    corners = hull_of(line)

    assert (corners[:, 0].min(), corners[:, 0].max()) == (0, count - 1)


def test_a_figure_becomes_a_light_png_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "figure.png"
    noise = np.random.default_rng(0).integers(0, 256, (200, 3, 32, 32), dtype=np.uint8)

    save_figure(image_grid(np.zeros((4, 1, 8, 8), np.uint8), "memory"), path)
    small = path.stat().st_size
    save_figure(image_grid(noise, "the worst there is"), path)

    assert small < 20_000
    assert path.stat().st_size < 400_000  # 1.3 MB with all of its colours
    with Image.open(path) as picture:
        assert picture.format == "PNG"


def test_long_and_odd_names_fit() -> None:
    assert short("a" * 100, 9) == "aaaa…aaaa"
    assert short("ship") == "ship"
    figure = roc_figure({"$\\frac$ {cost}$": (RISING, FLAGS)}, "")
    figure.canvas.draw()  # which would fail on a formula


def test_no_window_system_is_asked_for() -> None:
    image_grid(np.zeros((1, 1, 8, 8), np.uint8), "").canvas.draw()

    assert (
        "matplotlib.pyplot" not in sys.modules
        or sys.modules["matplotlib"].get_backend().lower() == "agg"
    )
