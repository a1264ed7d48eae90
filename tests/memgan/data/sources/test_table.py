"""Tables of images, and the layouts of public sets of defects, made by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.config.typed import DataConfig
from memgan.data import LabeledImages, Source, load_source, outline, source_name
from memgan.errors import DataError

SIZE = (10, 12)
HEAD = ("path", "label", "split", "mask")
ROWS = [
    ("images/0.png", "good", "train", ""),
    ("images/1.png", "good", "train", ""),
    ("images/2.png", "good", "val", ""),
    ("images/3.png", "good", "test", ""),
    ("images/4.png", "scratch", "test", "masks/4.png"),
    ("images/5.png", "scratch", "test", ""),
]


def put(path: Path, *, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path)) + seed).integers(0, 256, SIZE, dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def put_mask(path: Path, values: Sequence[int] = (255,)) -> None:
    """Six anomalous pixels of each value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(SIZE, dtype=np.uint8)
    for row, value in enumerate(values):
        pixels[row, 3:9] = value
    Image.fromarray(pixels).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Files for `ROWS`, and others that no table names."""
    for number in range(7):
        put(tmp_path / "images" / f"{number}.png", seed=number)
    put_mask(tmp_path / "masks" / "4.png")
    return tmp_path


def write(
    table: Path, rows: Sequence[Sequence[str]], head: Sequence[str] = HEAD, separator: str = ","
) -> Path:
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=separator).writerows([head, *rows])
    return table


def load(path: Path) -> Source:
    return load_source(DataConfig(source=str(path), image_size=(8, 8)))


def shown(images: LabeledImages | None) -> list[int | None]:
    """Anomalous pixels of each image's mask."""
    assert images is not None
    assert images.masks is not None
    return [None if mask is None else int(mask.where.sum()) for mask in images.masks]


def check(source: Source) -> None:
    assert source.validation is not None
    assert source.test is not None
    assert source.train.counts() == {"good": 2, "scratch": 0}
    assert source.validation.counts() == {"good": 1, "scratch": 0}
    assert source.test.counts() == {"good": 1, "scratch": 2}
    assert shown(source.train) == [0, 0]
    assert shown(source.test) == [0, 6, None]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_folder_with_a_table_is_what_the_table_says(root: Path, separator: str) -> None:
    table = write(root / "files.csv", ROWS, separator=separator)

    check(load(root))
    check(load(table))
    assert source_name(str(table)) == root.name
    found = outline(DataConfig(source=str(table)))
    assert found.counts["test"] == {"good": 1, "scratch": 2}
    assert found.sizes == {SIZE: 6}


def test_a_table_may_be_parquet(root: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    rows = [dict(zip(HEAD, [*row[:3], row[3] or None], strict=True)) for row in ROWS]
    parquet.write_table(pyarrow.Table.from_pylist(rows), root / "files.parquet")

    check(load(root))


def test_what_parquet_has_in_other_columns_does_not_matter(root: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.Table.from_pylist([dict(zip(HEAD, row, strict=True)) for row in ROWS])
    binary = pyarrow.array([b"\xff"] * len(ROWS), pyarrow.binary())
    not_utf8 = pyarrow.Array.from_buffers(pyarrow.string(), len(ROWS), binary.buffers())
    far = pyarrow.array([2**62] * len(ROWS), pyarrow.int64()).cast(pyarrow.timestamp("ms"))
    others = table.append_column("note", not_utf8).append_column("taken", far)
    parquet.write_table(others, root / "files.parquet")
    check(load(root))

    parquet.write_table(
        table.drop_columns("label").append_column("label", not_utf8), root / "files.parquet"
    )
    with pytest.raises(DataError, match=r"is no Parquet file that can be read \(.*utf-8"):
        load(root)
    parquet.write_table(
        table.drop_columns("label").append_column("label", far), root / "files.parquet"
    )
    with pytest.raises(DataError, match="is no Parquet file that can be read") as caught:
        load(root)
    assert "\n" not in str(caught.value)


def test_without_splits_all_images_are_of_the_train_part(root: Path) -> None:
    rows = [row[:2] for row in ROWS]
    source = load(write(root / "mine.csv", rows, head=("Path", "Label")))

    assert source.train.counts() == {"good": 4, "scratch": 2}
    assert source.test is None
    assert source.name == "mine"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("images/9.png", "good", "train", ""), "row 7: image .*9.png does not exist"),
        ((300 * "a", "good", "train", ""), "row 7: image .*aaa does not exist"),
        (("images/6.png", "good", "holdout", ""), "row 7: split 'holdout' is none of train"),
        (("images/6.png", "good", "", ""), "row 7: split '' is none of train"),
        (("images/6.png", "", "train", ""), "row 7 has no label"),
        (("", "good", "test", "masks/4.png"), "row 7: image has no path"),
        (("images/6.png", "scratch", "test", "m.png"), "row 7: mask .*m.png does not exist"),
        (("images/4.png", "scratch", "test", ""), "row 7: .*4.png is in row 5 too"),
        (("images/../images/4.png", "scratch", "test", ""), "row 7: .*4.png is in row 5 too"),
        (("images/6.png", "scratch", "test", "small.png"), r"is 3×4 and its image .* 10×12"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_by_its_number(
    root: Path, row: Sequence[str], message: str
) -> None:
    Image.new("L", (4, 3), 255).save(root / "small.png")
    write(root / "files.csv", [*ROWS, row])

    with pytest.raises(DataError, match=message) as caught:
        load(root)
    assert "\n" not in str(caught.value)


def test_a_table_without_its_columns_or_no_table_at_all_is_refused(root: Path) -> None:
    write(root / "files.csv", [("a", "b")], head=("file", "class"))
    with pytest.raises(DataError, match="no column path and no column label, only file, class"):
        load(root)
    (root / "files.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"is no CSV file in UTF-8"):
        load(root)
    (root / "bad.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match=r"is no Parquet file"):
        load(root / "bad.parquet")
    write(root / "files.csv", [row for row in ROWS if row[2] == "test"])
    with pytest.raises(DataError, match="no image of the split train"):
        load(root)


def visa(root: Path) -> Path:
    """An object of VisA, without its split; masks hold numbers of kinds."""
    folder = root / "candle"
    for number in range(4):
        put(folder / "Data" / "Images" / "Normal" / f"000{number}.JPG", seed=number)
    put(folder / "Data" / "Images" / "Anomaly" / "000.JPG")
    put_mask(folder / "Data" / "Masks" / "Anomaly" / "000.png", (1, 3))
    rows = [(f"candle/Data/Images/Normal/000{n}.JPG", "normal", "") for n in range(4)]
    defect = ("candle/Data/Images/Anomaly/000.JPG", "chunk of wax,foreign particals")
    rows.append((*defect, "candle/Data/Masks/Anomaly/000.png"))
    write(folder / "image_anno.csv", rows, head=("image", "label", "mask"))
    return folder


def test_an_object_of_visa_has_the_parts_of_its_split(tmp_path: Path) -> None:
    folder = visa(tmp_path)
    rows = [
        ("candle", "train", "normal", "candle/Data/Images/Normal/0000.JPG", ""),
        ("candle", "train", "normal", "candle/Data/Images/Normal/0001.JPG", ""),
        ("candle", "test", "normal", "candle/Data/Images/Normal/0002.JPG", ""),
        (
            "candle",
            "test",
            "anomaly",
            "candle/Data/Images/Anomaly/000.JPG",
            "candle/Data/Masks/Anomaly/000.png",
        ),
        ("pcb1", "train", "normal", "pcb1/Data/Images/Normal/0000.JPG", ""),
    ]
    split = write(
        tmp_path / "split_csv" / "1cls.csv", rows, ("object", "split", "label", "image", "mask")
    )

    source = load(folder)

    assert source.train.counts() == {"anomaly": 0, "normal": 2}
    assert source.test is not None
    assert source.test.counts() == {"anomaly": 1, "normal": 1}
    assert shown(source.test) == [12, 0]
    with pytest.raises(DataError, match=r"several data sets, candle, pcb1; give .*candle"):
        load(split)


def test_an_object_of_visa_without_a_split_is_read_by_its_own_table(tmp_path: Path) -> None:
    source = load(visa(tmp_path))

    assert source.train.counts() == {"anomaly": 1, "normal": 4}
    assert shown(source.train) == [12, 0, 0, 0, 0]


def test_btad_and_mvtec_ad_2_are_read_with_their_masks(tmp_path: Path) -> None:
    btad, second = tmp_path / "01", tmp_path / "can"
    for name in ("train/ok/0.bmp", "train/ok/1.bmp", "test/ok/0.bmp", "test/ko/0.bmp"):
        put(btad / name)
    put_mask(btad / "ground_truth" / "ko" / "0.png")
    for name in ("train/good/0.png", "validation/good/1.png", "test_public/good/2.png"):
        put(second / name)
    put(second / "test_public" / "bad" / "3.png")
    put(second / "test_private" / "4.png")
    put_mask(second / "test_public" / "ground_truth" / "bad" / "3_mask.png")

    one, two = load(btad), load(second)

    assert one.test is not None
    assert one.test.counts() == {"ko": 1, "ok": 1}
    assert shown(one.test) == [6, 0]
    assert two.test is not None
    assert two.test.counts() == {"bad": 1, "good": 1}
    assert shown(two.test) == [6, 0]
    assert two.validation is not None
