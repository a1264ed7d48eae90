"""The photographs of the tutorial: made from a seed, in a layout that is read with its masks, and
measured by their benchmark."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from memgan.config import DataConfig
from memgan.data import load_split

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, on pictures of the test's own, with few images."""
    monkeypatch.syspath_prepend(ROOT / "examples" / "photographs")
    module = importlib.import_module("make_defects")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    grain = rng.integers(90, 160, (512, 512), dtype=np.uint8)
    for name in ("brick", "coins"):
        Image.fromarray(grain).save(pictures / f"{name}.png")
    monkeypatch.setattr(module, "pictures_folder", lambda: pictures)
    for name, count in (("TRAIN", 12), ("GOOD", 4), ("DEFECTIVE", 2)):
        monkeypatch.setattr(module, name, count)
    yield module
    sys.modules.pop("make_defects")


def test_a_category_is_read_with_its_parts_and_masks(maker: ModuleType, tmp_path: Path) -> None:
    maker.make_category(tmp_path, "coin", seed=0)

    data = DataConfig(source=str(tmp_path / "coin"), image_size=64)
    split = load_split(data, normal_class=("good",))

    assert split.test.counts() == {"good": 4, "missing": 2, "scratch": 2, "stain": 2}
    assert len(split.development.train) + len(split.development.validation) == 12
    assert split.test.masks is not None
    assert sum(mask is not None and mask.where.any() for mask in split.test.masks) == 6


def test_a_defect_is_where_its_mask_is(maker: ModuleType) -> None:
    rng = np.random.default_rng(1)
    picture = maker.texture("brick")(rng)
    for defect in (maker.scratch, maker.stain, maker.blur):
        spoilt, where = defect(picture, rng)
        changed = np.abs(spoilt - picture).mean(axis=2)
        assert where.shape == (256, 256)
        assert (where > 0.5).sum() > 60
        assert changed[where > 0.9].mean() > 5
        assert changed[where == 0].max() == 0


def test_the_same_seed_gives_the_same_images(maker: ModuleType, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        maker.make_category(tmp_path / name, "brick", seed)
    one, same, other = (
        (tmp_path / name / "brick/test/scratch/001.png").read_bytes() for name in "abc"
    )
    assert one == same != other


def test_the_benchmark_measures_each_way_and_goes_on_where_it_was_cut_off(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker.make_category(tmp_path / "sets", "coin", seed=0)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    module = importlib.import_module("photographs")
    small = {"features.backbone": "filters", "features.size": 32}
    ways = {"pca": ("pca", 32, {"components": 2}), "memory": ("patch-memory", 32, small)}
    monkeypatch.setattr(module, "WAYS", ways)
    out = tmp_path / "found.json"

    def run(asked: str) -> dict[str, list[dict[str, object]]]:
        words = ["photographs.py", "--images", str(tmp_path / "sets"), "--categories", "coin"]
        monkeypatch.setattr(sys, "argv", [*words, "--ways", asked, "--out", str(out)])
        module.main()
        found: dict[str, list[dict[str, object]]] = json.loads(out.read_text())
        return found

    (first,) = run("pca")["rows"]
    found = run("pca;memory")
    assert found["rows"][0] == first
    memory = found["rows"][1]
    assert memory["detector"] == "patch-memory"
    for figure in ("image_auroc", "pixel_auroc", "aupro"):
        assert 0 <= float(str(memory[figure])) <= 1
    assert set(found["means"]) == {"pca", "memory"}
