"""Scoring files, folders and arrays with a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.bundle.bundle import Bundle, load_bundle
from memgan.bundle.scoring import Scored, score_paths
from memgan.data import Split
from memgan.errors import BadInput


@pytest.fixture
def loaded(bundle: Path) -> Bundle:
    return load_bundle(bundle, device="cpu")


@pytest.fixture
def photos(digits: Split, tmp_path: Path) -> Path:
    """Five digits as PNG files, two of them in an inner folder."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for number, image in enumerate(digits.test.images[:5]):
        inner = folder / "inner" if number > 2 else folder
        Image.fromarray(image[0]).save(inner / f"{number}.png")
    return folder


def scores(bundle: Bundle, *paths: Path) -> tuple[list[Scored], list[str]]:
    unreadable: list[str] = []
    batches = score_paths(bundle, paths, unreadable.append)
    return [row for batch in batches for row in batch.rows], unreadable


def test_a_folder_its_files_and_an_array_score_alike(
    loaded: Bundle, photos: Path, digits: Split, tmp_path: Path
) -> None:
    expected = loaded.score(digits.test.images[:5])
    np.savez(tmp_path / "digits.npz", x=digits.test.images[:5])

    folder, _ = scores(loaded, photos)
    single, _ = scores(loaded, photos / "1.png")
    array, unreadable = scores(loaded, tmp_path / "digits.npz")

    assert unreadable == []
    by_name = {Path(row.image).name: row for row in folder}
    assert list(by_name) == ["0.png", "1.png", "2.png", "3.png", "4.png"]
    np.testing.assert_allclose([by_name[f"{n}.png"].score for n in range(5)], expected, rtol=1e-5)
    np.testing.assert_allclose([row.score for row in array], expected, rtol=1e-5)
    assert single[0].score == pytest.approx(expected[1], rel=1e-5)
    assert array[3].image == f"{tmp_path / 'digits.npz'}[3]"
    assert array[3].p_value == loaded.p_values(np.array([array[3].score]))[0]
    assert array[3].anomalous == (array[3].p_value <= 0.1)


def test_images_of_any_size_and_colour_are_brought_to_the_bundles_shape(
    loaded: Bundle, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (21, 33, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "colour.png")
    np.savez(tmp_path / "colour.npz", x=pixels[None])

    found, unreadable = scores(loaded, tmp_path / "colour.png", tmp_path / "colour.npz")

    assert unreadable == []
    assert found[0].score == pytest.approx(found[1].score, rel=1e-5)


def test_more_images_than_go_at_once_keep_their_order(loaded: Bundle, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "many.npz", x=images)

    found, _ = scores(loaded, tmp_path / "many.npz")

    assert [row.image for row in found] == [f"{tmp_path / 'many.npz'}[{n}]" for n in range(300)]
    np.testing.assert_allclose(
        [row.score for row in found], loaded.score(images[:, None]), rtol=1e-5
    )


def test_what_cannot_be_read_is_named_and_the_rest_scored(loaded: Bundle, photos: Path) -> None:
    (photos / "1.png").write_bytes(b"no picture")
    (photos / "bad.npz").write_bytes(b"no archive")

    found, unreadable = scores(loaded, photos / "bad.npz", photos)

    assert len(found) == 4
    assert len(unreadable) == 2
    assert str(photos / "bad.npz") in unreadable[0]
    assert str(photos / "1.png") in unreadable[1]
    assert not any("\n" in line for line in unreadable)


@pytest.mark.parametrize("name", ["nowhere.png", "empty"])
def test_a_path_without_images_is_refused_before_anything_is_scored(
    loaded: Bundle, photos: Path, name: str
) -> None:
    (photos / "empty").mkdir()

    with pytest.raises(BadInput, match=name):
        score_paths(loaded, [photos, photos / name], print)
