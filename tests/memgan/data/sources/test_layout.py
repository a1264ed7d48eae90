"""Layouts of folders: which folder is which part or class, and that nothing is left out in
silence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from memgan.cli.data_commands import app
from memgan.config.typed import DataConfig
from memgan.data import Source, load_source, make_split
from memgan.errors import DataError

WriteFolder = Callable[..., Path]


def load(root: Path, **values: object) -> Source:
    return load_source(DataConfig.model_validate({"source": str(root), **values}))


def put(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (10, 12), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_a_validation_folder_is_the_validation_part(write_folder: WriteFolder, name: str) -> None:
    root = write_folder(
        {"train/good": 6, f"{name}/good": 2, f"{name}/crack": 3, "test/good": 4, "test/crack": 5}
    )

    source = load(root)
    split = make_split(source, DataConfig(), ("good",))

    assert source.validation is not None
    assert source.remarks == ()
    assert split.development.train.counts() == {"crack": 0, "good": 6}
    assert split.development.validation.counts() == {"crack": 3, "good": 2}
    assert split.test.counts() == {"crack": 5, "good": 4}
    assert split.development.can_validate("good")


def test_validation_without_test_leaves_test_to_be_cut(write_folder: WriteFolder) -> None:
    source = load(write_folder({"train/a": 10, "train/b": 10, "val/a": 2, "val/b": 2}))

    split = make_split(source, DataConfig())

    assert source.test is None
    assert split.development.validation.counts() == {"a": 2, "b": 2}
    assert split.test.counts() == {"a": 4, "b": 4}


def test_mvtec_ad_is_read_with_its_masks(write_folder: WriteFolder) -> None:
    root = write_folder({"train/good": 6, "test/good": 2, "test/crack": 3, "ground_truth/crack": 3})
    (root / "license.txt").write_text("CC BY-NC-SA")

    source = load(root)

    assert source.test is not None
    assert source.train.class_names == ("crack", "good")
    assert source.test.counts() == {"crack": 3, "good": 2}
    assert source.remarks == (
        "1 left out (no image by the suffix): license.txt",
        "3 masks were read, which say where images are anomalous",
    )


def test_mvtec_ad_2_is_read_without_what_has_no_labels(write_folder: WriteFolder) -> None:
    root = write_folder(
        {
            **{"train/good": 6, "validation/good": 2, "test_public/good": 2, "test_public/bad": 3},
            **{"test_public/ground_truth/bad": 3, "test_private": 4, "test_private_mixed": 4},
        }
    )

    source = load(root)

    assert source.validation is not None
    assert source.test is not None
    assert source.train.class_names == ("bad", "good")
    assert source.validation.counts() == {"bad": 0, "good": 2}
    assert source.test.counts() == {"bad": 3, "good": 2}
    assert {str(each.path.relative_to(root)) for each in source.left_out} == {
        *("test_private", "test_private_mixed")
    }


@pytest.mark.parametrize("name", ["mask", "Masks", "gt", "ground_truth"])
def test_a_folder_of_masks_is_no_class(write_folder: WriteFolder, name: str) -> None:
    source = load(write_folder({"good": 4, "crack": 3, name: 3}))

    assert source.train.class_names == ("crack", "good")
    assert source.remarks == (f"1 left out (masks of which none is named as an image): {name}/",)


def test_a_class_whose_name_only_sounds_like_masks_stays(write_folder: WriteFolder) -> None:
    source = load(write_folder({"with_mask": 4, "without_mask": 3, "unmasked": 2}))

    assert source.train.class_names == ("unmasked", "with_mask", "without_mask")
    assert source.left_out == ()


def test_whatever_is_not_read_is_named_with_its_reason_and_counted(
    write_folder: WriteFolder,
) -> None:
    root = write_folder({"a": 3, "b": 3})
    put(root / "__MACOSX" / "a" / "._000.png")
    put(root / "loose.png")
    for name in ("notes.txt", "a/Thumbs.db", "a/camera.heic"):
        (root / name).write_bytes(b"no image")
    (root / "b" / ".DS_Store").touch()
    (root / "b" / "gone").symlink_to("nowhere")
    (root / "b" / "again").symlink_to(root / "a")
    (root / "b" / "circle").symlink_to("circle")
    ended = CliRunner().invoke(app, ["check", str(root), "--json"], catch_exceptions=False)

    found = json.loads(ended.stdout)

    assert found["warnings"][:6] == [
        "1 left out (made by the system): __MACOSX/",
        "3 left out (no image by the suffix): notes.txt, a/Thumbs.db, a/camera.heic",
        "1 left out (an image in no class folder): loose.png",
        "1 left out (hidden): b/.DS_Store",
        "1 left out (a link to a folder): b/again/",
        "2 left out (a link that leads nowhere): b/circle, b/gone",
    ]
    assert len(found["left_out"]) == 9
    assert found["left_out"][0] == {"path": str(root / "__MACOSX"), "reason": "made by the system"}
    told = " ".join(CliRunner().invoke(app, ["check", str(root)]).stdout.split())
    assert "warning: 1 left out (hidden): b/.DS_Store" in told


def test_of_many_the_first_are_named_and_json_names_all(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 3})
    for number in range(30):
        (root / "a" / f"{number:02d}.txt").touch()

    source = load(root)

    assert source.remarks[0].startswith("30 left out (no image by the suffix): a/00.txt, a/01.txt")
    assert source.remarks[0].endswith("a/19.txt and 10 more")
    assert len(source.left_out) == 30


def test_skipped_images_are_among_what_is_left_out(write_folder: WriteFolder) -> None:
    root = write_folder({"a": 4})
    (root / "a" / "001.png").write_bytes(b"no image")
    os.mkfifo(root / "a" / "pipe.png")

    source = load(root, unreadable="skip")

    assert len(source.train) == 3
    assert source.remarks == (
        "2 left out (unreadable, and data.unreadable is skip): a/001.png, a/pipe.png",
    )


def test_images_in_folders_inside_of_a_class_are_of_that_class(tmp_path: Path) -> None:
    for seed, name in enumerate(["b/2.png", "good/2024-02/x/1.png", "good/2024-01/9.png"]):
        put(tmp_path / name, seed)
    put(tmp_path / "good" / "1.png", 7)
    put(tmp_path / "good" / "masks" / "1.png", 8)

    source = load(tmp_path)

    assert source.train.counts() == {"b": 1, "good": 3}
    assert len(set(map(bytes, source.train.images))) == 4
    assert source.remarks == (
        f"class 'good' of {tmp_path.name} includes the images of 2 inner folders: 2024-01,"
        " 2024-02/x",
        "1 mask was read, which says where images are anomalous",
    )


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            {"bottle/train/good": 3, "bottle/test/good": 3},
            r"holds data sets of their own, bottle; one is",
        ),
        ({"line": 3, "line2/good": 3, "line2/bad": 3}, r"line2 holds bad, .* give .*line2 as the"),
        ({"train/a": 3, "train/cable/2024/Good": 3}, r"cable holds 2024/Good"),
        ({"train/a": 3, "val/a": 1, "validation/a": 1}, "2 folders for validation, val and valida"),
        ({"val/a": 3, "b": 3}, "has a folder val and none called train"),
        ({"test_public/a": 3, "b": 3}, "has a folder test_public and none called train"),
        ({"train/a": 3, "val": 3}, "val holds no class folders"),
        ({"masks": 3}, r"no class folders; 1 left out \(a folder of masks\): masks/; expected"),
    ],
)
def test_a_layout_that_cannot_be_told_is_refused_in_a_line(
    write_folder: WriteFolder, classes: dict[str, int], message: str
) -> None:
    with pytest.raises(DataError, match=message) as raised:
        load(write_folder(classes))
    assert "\n" not in str(raised.value)


def test_a_folder_of_several_data_sets_names_them_and_how_to_take_one(
    write_folder: WriteFolder,
) -> None:
    parts = {"train/good": 3, "test/good": 2, "test/crack": 2}
    root = write_folder(
        {f"{name}/{part}": n for name in ("bolt", "nut") for part, n in parts.items()}
    )
    with pytest.raises(
        DataError, match=r"holds data sets of their own, bolt, nut; .*: --data .*/bolt$"
    ):
        load(root)


def test_a_flat_folder_says_where_its_images_belong(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"1 images lie in it; move .*train/good; expected DIR"):
        load(tmp_path)


def test_valid_beside_invalid_is_a_class(write_folder: WriteFolder) -> None:
    source = load(write_folder({"valid": 4, "invalid": 3}))

    assert source.train.class_names == ("invalid", "valid")
    assert source.validation is None


def test_images_that_given_parts_share_are_counted(write_folder: WriteFolder) -> None:
    root = write_folder({"train/a": 6, "val/a": 3, "test/a": 3})
    for name in ("train/a/000.png", "val/a/000.png"):
        (root / "test/a" / f"from-{name.partition('/')[0]}.png").write_bytes(
            (root / name).read_bytes()
        )
    ended = CliRunner().invoke(app, ["check", str(root), "--json"], catch_exceptions=False)

    warnings = json.loads(ended.stdout)["warnings"]

    assert warnings[0].startswith("1 test images are also among the training images")
    assert warnings[1].startswith("1 test images are also among the validation images")


def test_an_image_in_two_classes_is_a_warning_with_a_pair(write_folder: WriteFolder) -> None:
    root = write_folder({"train/good": 5, "train/bad": 3, "test/bad": 2, "test/good": 2})
    for source_, copy in (
        *(("train/good/001.png", "train/bad/zz.png"), ("train/good/002.png", "test/bad/z.png")),
        ("train/good/001.png", "train/good/again.png"),
    ):
        (root / copy).write_bytes((root / source_).read_bytes())

    (remark,) = load(root).remarks

    assert remark.startswith("2 images are in more than one class, pixel by pixel, such as ")
    assert "train/bad/zz.png and train/good/001.png" in remark


def test_a_class_may_have_brackets_in_its_name(write_folder: Callable[..., Path]) -> None:
    root = write_folder({"train/good": 12, "test/good": 4, "test/scratch (deep)": 4})
    source = load(root)
    assert source.train.class_names == ("good", "scratch (deep)")
