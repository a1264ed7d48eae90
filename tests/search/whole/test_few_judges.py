"""A search on a folder of photographs says with how many images it judges, before it trains."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import search.workflow.stages
from search.cli.app import run
from search.ray.allotment import Allotment


@contextmanager
def _a_ray(*ignored: Any) -> Iterator[Allotment]:
    yield Allotment(1, 1, 0)


def _interrupted(*ignored: Any) -> None:
    raise KeyboardInterrupt


def test_a_search_says_how_many_images_judge_and_what_is_left_out(
    fresh_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "results").mkdir()
    shutil.copy(fresh_store, tmp_path / "results" / "mlflow.db")
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
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("search.ray.connection.standard_output_kept_clean", lambda: None)
    monkeypatch.setattr(search.workflow.stages, "_connected", _a_ray)
    monkeypatch.setattr(search.workflow.stages, "classes_as_one", _interrupted)

    assert run(["search", "--data", "parts", "--detector", "pca", "--normal-class", "good"]) == 130

    told = capsys.readouterr().err
    assert "trials are judged by 4 normal images and 16 anomalies made from them" in told
    assert "1 mask was read, which says where images are anomalous" in told
