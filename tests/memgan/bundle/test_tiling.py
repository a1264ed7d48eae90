"""Images larger than a tile, scored piece by piece."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from memgan.bundle import load_bundle, score_in_tiles, score_paths
from memgan.bundle.calibration import Calibration, normals_for
from memgan.data import conform, tile_places
from memgan.errors import BadInput
from search.cli.app import run


@pytest.mark.parametrize("size", [(8, 8), (100, 64), (65, 300), (1000, 20)])
def test_tiles_cover_an_image_and_overlap_by_an_eighth(size: tuple[int, int]) -> None:
    covered = np.zeros(size, dtype=int)
    places = list(tile_places(size, 64))
    for top, left, bottom, right in places:
        assert (bottom - top, right - left) == tuple(min(side, 64) for side in size)
        covered[top:bottom, left:right] += 1

    assert covered.min() == 1
    tops = sorted({place[0] for place in places})
    assert all(after - before <= 56 for before, after in itertools.pairwise(tops))


def test_an_image_gets_the_highest_score_of_its_tiles_and_their_p_value_times_their_number(
    bundle: Path, tmp_path: Path
) -> None:
    loaded = load_bundle(bundle, backend="onnx")
    loaded = replace(
        loaded,
        calibration=loaded.calibration.model_copy(
            update={"normal_peaks": (1.0,) * 30, "false_alarm_rate": 0.5}
        ),
    )
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.fromarray(pixels).save(folder / "large.png")
    Image.fromarray(pixels[:16, :16]).save(folder / "small.png")

    large, small = score_in_tiles(loaded, [folder], 16, print)

    places = list(tile_places((40, 30), 16))
    tiles = [pixels[None, top:bottom, left:right] for top, left, bottom, right in places]
    scores = loaded.score(np.concatenate([conform(tile[None], (8, 8), None) for tile in tiles]))
    (row,) = large.rows
    assert row.score == scores.max()
    lowest = loaded.p_values(scores).min()
    assert row.p_value == min(1.0, len(places) * lowest)
    assert row.box is not None
    left, top, right, bottom = row.box
    assert 0 <= left < right <= 30
    assert 0 <= top < bottom <= 40
    (alone,) = score_paths(loaded, [folder / "small.png"], print)
    assert small.rows == alone.rows


def test_score_takes_a_tile_and_refuses_heat_maps_with_it(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    arguments = ["score", str(bundle), str(tmp_path / "large.png"), "--tile", "16"]

    assert run([*arguments, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["images"]
    assert row["image"].endswith("large.png")
    assert "box" in row

    assert run([*arguments, "--heatmaps", str(tmp_path / "maps")]) == 2
    assert "--tile gives a box" in capsys.readouterr().err
    assert not (tmp_path / "maps").exists()


def test_normals_too_few_for_the_number_of_tiles_are_told(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    calibration = bundle / "calibration.json"
    kept = json.loads(calibration.read_text())
    many = {**kept, "normal_scores": list(range(100)), "normal_peaks": [1.0] * 100}
    calibration.write_text(json.dumps(many))
    arguments = ["score", str(bundle), str(tmp_path / "large.png"), "--tile", "32", "--json"]

    assert run(arguments) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    count = len(list(tile_places((400, 400), 32)))
    assert document["shortage"] is None
    assert [row["p_value"] for row in document["images"]] == [1.0]
    assert [row["box"] for row in document["images"]] == [None]
    (line,) = document["tile_shortages"]
    assert line in told.err
    assert line.startswith(f"100 held-out normal images are too few for images of {count} tiles at")
    assert f"at least {10 * count - 1} (" in line


@given(st.floats(0.001, 0.5), st.integers(1, 700))
def test_as_many_normals_as_are_asked_for_do_for_so_many_tiles(rate: float, tiles: int) -> None:
    least = normals_for(rate, tiles)
    for count in (least - 1, least):
        values = tuple(float(value) for value in range(max(1, count)))
        calibration = Calibration(normal_scores=values, normal_peaks=values, false_alarm_rate=rate)
        enough = tiles * calibration.lowest_p_value <= rate
        assert enough == (calibration.shortage_of_tiles(tiles) is None)
        assert enough == (calibration.pixel_threshold_of_tiles(tiles) is not None)
    assert enough


def test_a_pixels_threshold_holds_for_all_tiles_together() -> None:
    peaks = tuple(float(value) for value in range(99))
    calibration = Calibration(normal_scores=(1.0,), normal_peaks=peaks)
    assert calibration.pixel_threshold == 94
    assert calibration.pixel_threshold_of_tiles(5) == 98


def test_a_tile_too_small_and_a_file_that_is_none_are_told(bundle: Path, tmp_path: Path) -> None:
    loaded = load_bundle(bundle, backend="onnx")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"none")
    with pytest.raises(BadInput, match="--tile 4: 8 pixels are the least"):
        score_in_tiles(loaded, [broken], 4, print)
    told: list[str] = []

    assert list(score_in_tiles(loaded, [broken], 16, told.append)) == []
    assert [line.startswith("unreadable image") for line in told] == [True]
