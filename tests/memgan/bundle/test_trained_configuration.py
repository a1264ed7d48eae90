"""A configuration over classes and seeds: figures, bundles, comparison with what was recorded."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from memgan.bundle.bundle import load_bundle
from memgan.bundle.figures_table import trained_table
from memgan.bundle.trained_configuration import train_configuration
from memgan.config.configuration import Configuration
from memgan.errors import BadInput, ConfigError, DataError, UnknownName
from memgan.training.cell_files import load_cell, save_cell

Tiny = Callable[..., Configuration]


def test_every_class_gets_a_bundle_of_its_first_seed(tiny: Tiny, tmp_path: Path) -> None:
    notes: list[str] = []
    configuration = tiny({"epochs": 1}, normal_class="1,0", seeds=(3, 2))

    trained = train_configuration(configuration, out=tmp_path / "out", jobs=1, note=notes.append)

    assert list(trained.cells) == ["1", "0"]
    for name, cells in trained.cells.items():
        assert [c.seed for c in cells] == [3, 2]
        loaded = load_bundle(tmp_path / "out" / "bundles" / name, device="cpu")
        assert loaded.config.seed == 3
        np.testing.assert_allclose(
            loaded.score(trained.split.test.images), cells[0].test_scores, rtol=1e-6
        )
    assert [note.split()[0] for note in notes[:8:2]] == ["1/4", "2/4", "3/4", "4/4"]
    assert ["too few for a false-alarm rate" in note for note in notes[8:]] == [True]
    document = trained.document()
    assert document["classes"]["1"]["seeds"] == [3, 2]
    assert document["split_hash"] == trained.split.hash


def test_masks_give_figures_by_pixel_in_document_table_card_and_cell(
    write_folder: Callable[..., Path], tmp_path: Path
) -> None:
    root = write_folder({"train/good": 12, "test/good": 4, "test/spot": 4}, shape=(20, 30))
    for part, count in {"train/good": 12, "test/good": 4, "test/spot": 4}.items():
        for seed in range(count):
            file = root / part / f"{seed:03d}.png"
            pixels = 100 + np.random.default_rng(seed).integers(0, 9, (20, 30)).astype(np.uint8)
            if part == "test/spot":
                pixels[4:12, 6:14] = 220
            Image.fromarray(pixels).save(file)
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[4:12, 6:14] = 255
    for number in range(4):
        file = root / "ground_truth" / "spot" / f"{number:03d}_mask.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(file)
    for number in range(4):  # Defects without masks: nobody knows which pixels are normal.
        file = root / "test" / "bent" / f"{number:03d}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((20, 30), 250, np.uint8)).save(file)
    data = {"source": str(root), "image_size": [10, 15], "validation_fraction": 0.25}
    configuration = Configuration.model_validate(
        {
            "detector": "pca",
            "parameters": {"components": 2, "score": "smoothed-max"},
            "data": data,
            "normal_class": ["good"],
            "seeds": [0, 1],
        }
    )

    trained = train_configuration(configuration, out=tmp_path / "out", jobs=1)

    (cell, _) = trained.cells["good"]
    assert cell.pixels is not None
    assert cell.pixels.auroc > 0.97
    assert cell.pixels.aupro > 0.8
    assert cell.pixels.best_f1 > 0.7
    found = trained.document()["classes"]["good"]
    assert found["pixel_auroc"] == cell.pixels.auroc  # PCA has no randomness of its own.
    assert trained.document()["mean"]["aupro"] == found["aupro"]
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(trained_table(trained))
    assert "pixel AUROC" in console.export_text()
    card = (tmp_path / "out" / "bundles" / "good" / "card.md").read_text()
    assert f"| {100 * cell.pixels.auroc:.1f} %, {100 * cell.pixels.aupro:.1f} % |" in card
    save_cell(tmp_path / "cell", cell)
    again = load_cell(tmp_path / "cell")
    assert again is not None
    assert again.pixels == cell.pixels


def test_normals_alone_train_and_say_what_is_missing(tiny: Tiny, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "good.npz", x=images, y=np.array(["good"] * 30))
    notes: list[str] = []
    configuration = tiny({"epochs": 1}, data={"source": str(tmp_path / "good.npz")})

    trained = train_configuration(configuration, out=tmp_path / "out", jobs=1, note=notes.append)

    assert trained.document()["mean"] == dict.fromkeys(
        ["val_auroc", "test_auroc_mean", "test_auroc_sd"]
    )
    assert "no labelled anomalies to validate on" in notes[0]
    assert "no labelled test" in notes[1]
    assert load_bundle(tmp_path / "out" / "bundles" / "good", device="cpu")


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"normal_class": "11"}, UnknownName, "class '11'"),
        ({"by_class": {"ten": {"epochs": 2}}}, ConfigError, "by_class.ten"),
        ({"data": {"source": "digit"}}, UnknownName, "did you mean 'digits'"),
        ({"data": {"source": "nowhere.npz"}}, DataError, "nowhere.npz does not exist"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    tiny: Tiny, tmp_path: Path, values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train_configuration(tiny(**values), out=tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_training(
    tiny: Tiny, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BadInput, match="choose another with --out"):
        train_configuration(tiny(), out=tmp_path / "file" / "out", jobs=1)
