"""`memgan score` as a user meets it: tables, heat maps, backends, files that cannot be read."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from memgan.bundle.bundle_of_cells import write_bundle
from memgan.bundle.trained_configuration import train_configuration
from memgan.config.configuration import Configuration
from memgan.data import Split
from memgan.figures.heatmaps import mirrored
from memgan.training.cells import train_cell
from search.cli.app import run


@pytest.fixture
def photos(digits: Split, tmp_path: Path) -> Path:
    """Twelve digits as PNG files, in two folders with the same names."""
    for folder in ("a", "b"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for number, image in enumerate(digits.test.images[:6]):
            Image.fromarray(image[0]).save(tmp_path / "photos" / folder / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def score(bundle: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """(arguments) -> exit code, standard output, standard error."""

    def score_it(*arguments: object, of: Path = bundle) -> tuple[int, str, str]:
        code = run(["score", str(of), *map(str, arguments), "--device", "cpu"])
        out, err = capsys.readouterr()
        return code, out, err

    return score_it


Score = Callable[..., tuple[int, str, str]]


def test_csv_parquet_and_json_hold_the_same_rows_in_the_order_of_files(
    score: Score, photos: Path, tmp_path: Path
) -> None:
    for name in ("s.csv", "s.parquet"):
        assert score(photos, "--out", tmp_path / name)[0] == 0
    code, out, err = score(photos, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    files = [str(path) for path in sorted(photos.rglob("*.png"))]
    table = parquet.read_table(tmp_path / "s.parquet").to_pylist()
    assert table == document["images"]
    assert [row["image"] for row in table] == files
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert [row["image"] for row in rows] == files
    assert [float(row["score"]) for row in rows] == pytest.approx(
        [row["score"] for row in table], rel=1e-5
    )
    assert list(tmp_path.glob("*.part")) == []


def test_both_backends_give_the_same_rows(score: Score, photos: Path) -> None:
    documents = [json.loads(score(photos, "--json", "--backend", b)[1]) for b in ("torch", "onnx")]
    torch_, onnx = ([row["score"] for row in d["images"]] for d in documents)
    np.testing.assert_allclose(torch_, onnx, rtol=1e-4)


def test_unreadable_files_are_named_and_counted_and_the_rest_is_scored(
    score: Score, photos: Path, tmp_path: Path
) -> None:
    (photos / "a" / "2.png").write_bytes(b"no picture")
    (photos / "b" / "9\x1b[31m.png").write_bytes(b"no picture")
    np.savez(tmp_path / "cut.npz", x=np.zeros((3, 5)))
    code, out, err = score(photos, tmp_path / "cut.npz", "--out", tmp_path / "s.csv")
    assert code == 1
    assert "11 images scored" in out
    assert "a/2.png" in err
    assert "cut.npz" in err
    assert "3 images could not be read, 11 scored" in err
    assert "unreadable=skip" not in err  # Scoring has no such setting.
    assert "\x1b" not in err


def test_a_decompression_bomb_is_an_unreadable_file(
    score: Score, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (20_000, 20_000)).save(photos / "bomb.png")
    code, _, err = score(photos, "--json")
    assert code == 1
    assert "bomb.png" in err
    assert "1 image could not be read, 12 scored" in err


@pytest.mark.parametrize("name", ["scores.xlsx", "scores"])
def test_another_suffix_is_refused_before_anything_is_written(
    score: Score, photos: Path, tmp_path: Path, name: str
) -> None:
    code, _, err = score(photos, "--out", tmp_path / name)
    assert code == 2
    assert ".csv or .parquet" in err
    assert not (tmp_path / name).exists()


def test_a_name_that_a_spreadsheet_would_run_is_only_a_name(
    score: Score, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos / "a")
    Path("0.png").rename("=1+1.png")
    assert score("=1+1.png", "--out", tmp_path / "s.csv")[0] == 0
    (row,) = csv.DictReader((tmp_path / "s.csv").open())
    assert row["image"] == "./=1+1.png"


def test_a_heat_map_an_image_under_its_own_path(
    score: Score, photos: Path, tmp_path: Path, digits: Split
) -> None:
    np.savez(tmp_path / "more.npz", x=digits.test.images[:2])
    maps = tmp_path / "maps"
    code, _, err = score(
        photos, tmp_path / "more.npz", "--heatmaps", maps, "--out", tmp_path / "s.csv"
    )
    assert (code, err) == (0, "")
    masks = sorted(maps.rglob("*_mask.png"))
    written = sorted(set(maps.rglob("*.png")) - set(masks))
    assert len(written) == len(masks) == 12 + 2
    assert {Image.open(path).size for path in written} == {Image.open(written[0]).size}
    with Image.open(written[0]) as picture:
        assert picture.width > 2 * 200
        left = np.asarray(picture)[:224, :224]
    first = np.asarray(Image.open(photos / "a" / "0.png"))
    np.testing.assert_array_equal(left[::28, ::28, 0], first)


@pytest.fixture
def spotted(write_folder: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """A bundle that scores 10×15 pixels, and files of 40×60, one with a bright spot."""
    root = write_folder({"good": 24}, shape=(40, 60))
    for seed, file in enumerate(sorted(root.rglob("*.png"))):
        noise = np.random.default_rng(seed).integers(0, 9, (40, 60)).astype(np.uint8)
        Image.fromarray(100 + noise).save(file)
    configuration = Configuration.model_validate(
        {
            "detector": "pca",
            "parameters": {"components": 0, "score": "smoothed-max"},
            "data": {"source": str(root), "image_size": [10, 15], "test_fraction": 0.2},
        }
    )
    train_configuration(configuration, out=tmp_path / "out", jobs=1)
    new = tmp_path / "new"
    new.mkdir()
    for name in ("plain", "spot"):
        pixels = 100 + np.random.default_rng(99).integers(0, 9, (40, 60)).astype(np.uint8)
        if name == "spot":
            pixels[8:20, 36:48] = 220
        Image.fromarray(pixels).save(new / f"{name}.png")
    return tmp_path / "out" / "bundles" / "good", new


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_a_region_is_shown_at_the_size_of_the_file_and_its_box_is_in_the_table(
    score: Score, spotted: tuple[Path, Path], tmp_path: Path, backend: str
) -> None:
    bundle, new = spotted
    given = (new, "--heatmaps", tmp_path / "maps", "--false-alarm-rate", 0.4, "--backend", backend)
    assert score(*given, "--out", tmp_path / "s.csv", of=bundle)[0] == 0
    _, spot = csv.DictReader((tmp_path / "s.csv").open())
    sides = ("left", "top", "right", "bottom")
    left, top, right, bottom = (int(spot[f"box_{side}"]) for side in sides)
    # A pixel that is scored is 4 of the file wide, and its window has three of them.
    assert 24 <= left <= 36 < 48 <= right <= 60
    assert 0 <= top <= 8 < 20 <= bottom <= 32
    mask = np.asarray(Image.open(next((tmp_path / "maps").rglob("spot_mask.png"))))
    assert mask.shape == (40, 60)
    rows, columns = np.nonzero(mask)
    assert (columns.min(), rows.min()) == (left, top)
    assert (columns.max() + 1, rows.max() + 1) == (right, bottom)
    picture = np.asarray(Image.open(next((tmp_path / "maps").rglob("spot.png"))))
    times = round(224 / 60)
    original = np.asarray(Image.open(new / "spot.png"))
    np.testing.assert_array_equal(picture[: 40 * times : times, : 60 * times : times, 0], original)

    parquet_file = tmp_path / "s.parquet"
    again = (new, "--heatmaps", tmp_path / "more", "--false-alarm-rate", 0.4, "--backend", backend)
    assert score(*again, "--out", parquet_file, of=bundle)[0] == 0
    assert parquet.read_table(parquet_file).to_pylist()[1]["box_left"] == left
    once = (new, "--heatmaps", tmp_path / "json", "--false-alarm-rate", 0.4, "--backend", backend)
    _, out, _ = score(*once, "--json", of=bundle)
    assert json.loads(out)["images"][1]["box"] == [left, top, right, bottom]
    _, out, _ = score(new, "--json", of=bundle)
    assert "box" not in json.loads(out)["images"][0]


def test_files_of_several_sizes_are_each_shown_at_their_own(
    score: Score, spotted: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, new = spotted
    with Image.open(new / "spot.png") as picture:
        for times in (5, 10):
            picture.resize((60 * times, 40 * times)).save(new / f"times{times}.png")
    assert (
        score(new, "--heatmaps", tmp_path / "maps", "--out", tmp_path / "s.csv", of=bundle)[0] == 0
    )
    heights = {
        path.stem: Image.open(path).height
        for path in (tmp_path / "maps").rglob("times*.png")
        if not path.stem.endswith("_mask")
    }
    assert heights == {"times5": 200, "times10": 400}


def test_too_few_normals_give_no_mask_and_no_box(
    score: Score, spotted: tuple[Path, Path], tmp_path: Path
) -> None:
    bundle, new = spotted
    given = (new, "--heatmaps", tmp_path / "maps", "--false-alarm-rate", 0.01)
    code, _, err = score(*given, "--out", tmp_path / "s.csv", of=bundle)
    assert code == 0
    assert "too few for a false-alarm rate" in err
    assert [row["box_left"] for row in csv.DictReader((tmp_path / "s.csv").open())] == ["", ""]
    assert not list((tmp_path / "maps").rglob("*_mask.png"))


def test_heat_maps_go_to_a_new_folder_outside_of_what_is_scored(
    score: Score, photos: Path, tmp_path: Path
) -> None:
    code, _, err = score(photos, "--heatmaps", photos / "maps")
    assert code == 2
    assert "which is scored" in err
    assert not (photos / "maps").exists()
    (photos.parent / "full").mkdir()
    (photos.parent / "full" / "mine.txt").touch()
    code, _, err = score(photos, "--heatmaps", photos.parent / "full")
    assert code == 2
    assert "holds files already" in err


def test_a_detector_that_rebuilds_nothing_has_no_heat_maps(
    score: Score, photos: Path, digits: Split, tmp_path: Path
) -> None:
    configuration = Configuration(detector="neighbours", runtime={"device": "cpu"})
    cell = train_cell(configuration, digits.development, digits.test, "1", seed=0)
    write_bundle(tmp_path / "neighbours", configuration, digits, [cell])
    code, out, err = score(photos, "--heatmaps", tmp_path / "maps", of=tmp_path / "neighbours")
    assert (code, out) == (2, "")
    assert "rebuilds no image" in err
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("photos/a.png", "photos/a.png"),
        ("photos/a.jpg", "photos/a.jpg.png"),
        ("x.npz[3]", "x.npz[3].png"),
        ("/etc/passwd", "etc/passwd.png"),
        ("a/../b.png", "b.png"),
    ],
)
def test_names_are_mirrored_below_the_folder(name: str, path: str) -> None:
    assert mirrored(name) == Path(path)


def test_no_name_leads_out_of_the_folder() -> None:
    for name in ("../../x.png", "../" * 40 + "etc/x", "a/../../../x.png", "é" * 300 + ".png"):
        found: Any = mirrored(name)
        assert not found.is_absolute()
        assert ".." not in found.parts
        assert max(len(part.encode()) for part in found.parts) < 255


def test_whatever_of_a_folder_is_not_scored_is_named_with_its_reason_and_counted(
    score: Score, photos: Path
) -> None:
    (photos / "a" / "notes.txt").touch()
    (photos / "a" / "list.csv").touch()
    (photos / "a" / ".3.png").touch()
    (photos / "b" / "more.npz").touch()
    (photos / "again").symlink_to(photos / "a")
    for name in ("__MACOSX", "ground_truth", ".cache"):
        (photos / name).mkdir()
        Image.new("L", (8, 8)).save(photos / name / "0.png")

    code, out, err = score(photos, "--json")

    document = json.loads(out)
    assert code == 0
    assert len(document["images"]) == 12
    assert f"{photos}/a/notes.txt: no image by the suffix" in document["left_out"]
    assert len(document["left_out"]) == 8
    assert f"2 left out (no image by the suffix): {photos}/a/list.csv, {photos}/a/notes.txt" in err
    assert f"1 left out (a folder of masks): {photos}/ground_truth/" in err
    assert f"1 left out (made by the system): {photos}/__MACOSX/" in err
    assert f"1 left out (a link to a folder): {photos}/again/" in err
    assert f"1 left out (an .npz in a folder; give it by itself): {photos}/b/more.npz" in err
    assert "8 files and folders were left out, 12 images scored" in err


def test_pipes_and_broken_links_among_images_are_unreadable_files(
    score: Score, photos: Path
) -> None:
    os.mkfifo(photos / "a" / "pipe.png")
    (photos / "b" / "gone.jpg").symlink_to("nowhere.jpg")

    code, out, err = score(photos, "--json")

    assert code == 1
    assert len(json.loads(out)["images"]) == 12
    assert "pipe.png (a pipe" in err
    assert "gone.jpg (No such file" in err
    assert "2 images could not be read, 12 scored" in err


@pytest.mark.parametrize("name", ["pipe.npz", "pipe.png"])
def test_a_pipe_to_be_scored_is_refused_and_nobody_waits_for_it(
    score: Score, tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)

    code, _, err = score(tmp_path / name)

    assert code == 2
    assert f"{name} is a pipe, a socket or a device" in err
    assert len(err.splitlines()) == 1


def test_of_an_export_with_one_bundle_that_one_scores_and_of_several_one_is_proposed(
    score: Score, bundle: Path, photos: Path, tmp_path: Path
) -> None:
    export = tmp_path / "my export"
    only = export / "bundles" / "0"
    shutil.copytree(bundle, only)

    code, out, err = score(photos, of=export)
    assert (code, out) == score(photos)[:2]
    assert f"scored with {only}, the only bundle there" in err

    shutil.copytree(bundle, export / "bundles" / "1")
    code, out, err = score(photos, "--false-alarm-rate", 0.1, "--json", of=export)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"memgan score '{only}' {photos} --false-alarm-rate 0.1 --device cpu --json" in err
