"""A search on a folder of photographs says with how many images it judges."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def test_a_search_says_how_many_images_judge_and_what_is_left_out(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    counts = {"train/good": 40, "test/good": 12, "test/scratch (deep)": 12}
    for folder, count in counts.items():
        (tmp_path / "parts" / folder).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "parts" / folder / f"{number}.png")
    masks = tmp_path / "parts" / "ground_truth" / "scratch (deep)"
    masks.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(masks / "0_mask.png")

    arguments = ["search", "--data", "parts", "--detector", "pca", "--normal-class", "good"]
    budget = ["--trials", "1", "--final-seeds", "1", "--set", "components=4", "--json"]
    ended = subprocess.run(
        [
            *(sys.executable, "-c", "from search.cli import main; main()"),
            *arguments,
            *budget,
            *("--set", "contrast_normalised=[false, true]"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "trials are judged by " in ended.stderr
    assert "1 left out (a folder of masks): ground_truth/" in ended.stderr
    assert list(json.loads(ended.stdout)["classes"]) == ["good"]
