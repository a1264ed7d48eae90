"""Masks beside images: whose they are, what they say, and faults in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.config.typed import DataConfig
from memgan.data import LabeledImages, Source, load_source, make_split
from memgan.errors import DataError

WriteFolder = Callable[..., Path]
SIZE = (10, 12)


def load(root: Path) -> Source:
    return load_source(DataConfig(source=str(root), image_size=(8, 8)))


def put_mask(path: Path, size: tuple[int, int] = SIZE, white: int = 255) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(size, dtype=np.uint8)
    values[2:5, 3:9] = white
    Image.fromarray(values).save(path)


def shown(images: LabeledImages) -> list[int | None]:
    """Anomalous pixels of each image's mask."""
    assert images.masks is not None
    return [None if mask is None else int(mask.where.sum()) for mask in images.masks]


def test_the_masks_of_mvtec_ad_are_read_at_the_size_of_the_files(write_folder: WriteFolder) -> None:
    root = write_folder({"train/good": 4, "test/good": 2, "test/crack": 2})
    for name in ("000_mask.png", "001_mask.png"):
        put_mask(root / "ground_truth" / "crack" / name)

    source = load(root)

    assert source.test is not None
    assert shown(source.test) == [18, 18, 0, 0]
    assert shown(source.train) == [0] * 4
    mask = (source.test.masks or [])[0]
    assert mask is not None
    assert (mask.height, mask.width) == SIZE
    assert mask.where[2:5, 3:9].all()
    assert source.left_out == ()
    assert source.remarks == ("2 masks were read, which say where images are anomalous",)


@pytest.mark.parametrize(
    "place",
    ["masks/crack/000.png", "crack/masks/000.bmp", "crack_mask/000.png", "gt/crack/000_mask.png"],
)
def test_masks_may_stand_beside_the_classes_inside_one_or_beside_it(
    write_folder: WriteFolder, place: str
) -> None:
    root = write_folder({"good": 2, "crack": 1})
    put_mask(root / place, white=1)

    assert shown(load(root).train) == [18, 0, 0]


def test_a_test_part_and_a_train_part_with_the_same_names_are_told_apart(
    write_folder: WriteFolder,
) -> None:
    root = write_folder({"train/crack": 2, "train/good": 2, "test/good": 1, "test/crack": 1})
    put_mask(root / "ground_truth" / "crack" / "000.png")
    put_mask(root / "test" / "masks" / "crack" / "000.png")
    source = load(root)

    assert source.test is not None
    assert shown(source.test) == [18, 0]
    assert shown(source.train) == [0] * 4


def test_masks_go_where_their_images_go(write_folder: WriteFolder) -> None:
    root = write_folder({"good": 20, "crack": 10})
    for number in range(10):
        put_mask(root / "masks" / "crack" / f"{number:03d}.png")
    split = make_split(load(root), DataConfig(source=str(root)), ("good",))

    for part in (split.test, split.development.validation):
        assert shown(part) == [18 * flag for flag in part.anomalous("good")]
        assert 0 < sum(part.anomalous("good")) < 10
    unmasked = load(write_folder({"good": 20, "crack": 10}, name="without"))
    assert make_split(unmasked, DataConfig(source="x"), ("good",)).hash == split.hash


def test_an_image_beside_others_with_masks_may_lack_one_and_is_counted(
    write_folder: WriteFolder,
) -> None:
    root = write_folder({"good": 2, "crack": 3})
    put_mask(root / "masks" / "crack" / "001.png")
    source = load(root)

    assert shown(source.train) == [None, 18, None, 0, 0]
    assert source.remarks == (
        "1 mask was read, which says where images are anomalous; 2 images beside theirs have none,"
        " and are in no figure by pixel",
    )


def test_a_folder_of_masks_of_no_image_is_left_out_and_named(write_folder: WriteFolder) -> None:
    root = write_folder({"good": 2, "crack": 2})
    put_mask(root / "masks" / "stain" / "000.png")
    source = load(root)

    assert source.train.masks is None
    assert source.remarks == ("1 left out (masks of which none is named as an image): masks/",)


def test_a_mask_of_another_size_is_refused_in_a_line(write_folder: WriteFolder) -> None:
    root = write_folder({"good": 2, "crack": 1})
    put_mask(root / "masks" / "crack" / "000.png", (12, 10))
    with pytest.raises(
        DataError, match=r"000\.png is 12×10 and its image .*000\.png 10×12"
    ) as told:
        load(root)
    assert "\n" not in str(told.value)


def test_a_mask_without_its_image_is_refused_in_a_line(write_folder: WriteFolder) -> None:
    root = write_folder({"train/good": 2, "test/good": 2, "test/crack": 1})
    put_mask(root / "ground_truth" / "crack" / "000_mask.png")
    put_mask(root / "ground_truth" / "crack" / "007_mask.png")
    with pytest.raises(DataError, match=r"007_mask\.png has no image; .* is named 007 and") as told:
        load(root)
    assert "\n" not in str(told.value)


def test_a_damaged_mask_is_refused_in_a_line(write_folder: WriteFolder) -> None:
    root = write_folder({"good": 2, "crack": 1})
    put_mask(root / "masks" / "crack" / "000.png")
    (root / "masks" / "crack" / "000.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"unreadable mask .*000\.png"):
        load(root)


def test_a_photograph_that_lies_on_its_side_has_an_upright_mask(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    for number, name in enumerate(["good/0.jpg", "crack/0.jpg"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, SIZE[::-1], dtype=np.uint8)
        Image.fromarray(pixels).save(path, exif=turned)
    put_mask(tmp_path / "masks" / "crack" / "0.png")
    assert shown(load(tmp_path).train) == [18, 0]


@pytest.mark.parametrize("white", [1, 255, 4095, 65535])
def test_a_mask_of_sixteen_bits_shows_its_defect_whatever_its_white(
    write_folder: WriteFolder, white: int
) -> None:
    root = write_folder({"good": 2, "crack": 1})
    values = np.zeros(SIZE, dtype=np.uint16)
    values[2:5, 3:9] = white
    (root / "masks" / "crack").mkdir(parents=True)
    Image.fromarray(values).save(root / "masks" / "crack" / "000.png")
    assert shown(load(root).train) == [18, 0, 0]


def test_of_two_images_of_one_name_the_one_without_the_mask_is_named(
    write_folder: WriteFolder,
) -> None:
    root = write_folder({"good": 2, "crack": 1})
    Image.fromarray(np.full(SIZE, 7, dtype=np.uint8)).save(root / "crack" / "000.bmp")
    put_mask(root / "masks" / "crack" / "000.png")
    source = load(root)
    assert shown(source.train) == [18, None, 0, 0]
    assert source.remarks == (
        "1 mask was read, which says where images are anomalous; 1 image beside theirs has none,"
        " and is in no figure by pixel, such as crack/000.png, as the mask of that name is another"
        " image's",
    )


def test_a_mask_with_a_palette_of_colours_has_numbers_and_one_of_greys_has_brightness(
    write_folder: WriteFolder,
) -> None:
    root = write_folder({"good": 2, "crack": 2})
    values = np.zeros(SIZE, dtype=np.uint8)
    values[2:5, 3:9], values[6, 0] = 1, 2
    dark_and_bright = Image.fromarray(values).convert("P")
    dark_and_bright.putpalette([0, 0, 0, 90, 0, 0, 255, 255, 0])
    (root / "masks" / "crack").mkdir(parents=True)
    dark_and_bright.save(root / "masks" / "crack" / "000.png")
    white_first = Image.fromarray(1 - np.minimum(values, 1)).convert("P")
    white_first.putpalette([255] * 3 + [0] * 3)
    white_first.save(root / "masks" / "crack" / "001.png")

    assert shown(load(root).train) == [19, 19, 0, 0]


def test_without_any_mask_no_image_is_opened_for_its_size(
    write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memgan.data.sources import mask_layout

    monkeypatch.delattr(mask_layout, "size_of")

    assert load(write_folder({"good": 2, "crack": 1})).train.masks is None
