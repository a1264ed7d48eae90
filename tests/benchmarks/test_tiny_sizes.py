"""The benchmarks run to their end in a tiny size, and say what they were measured on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from memgan.config import Configuration, MemganParameters, parse, read_yaml
from memgan.data import load_split
from memgan.detectors import Memgan
from memgan.stats import auroc
from memgan.training import Training

ROOT = Path(__file__).resolve().parents[2]
Module = Callable[[str], ModuleType]
Run = Callable[..., dict[str, Any]]
SHAPE = (1, 8, 8)
TINY = MemganParameters(width=2, batch_size=8, memory_units=4, memory_dim=4)
IMAGES = np.random.default_rng(0).integers(0, 256, (24, *SHAPE), dtype=np.uint8)
SLOW = [pytest.mark.slow, pytest.mark.timeout(1200)]


def check_setting(found: dict[str, Any], benchmark: str) -> None:
    assert found["benchmark"] == benchmark
    assert found["versions"]["torch"]
    assert found["device"]
    assert found["load"] >= 0


def test_a_step_is_measured_beside_the_baseline_and_the_machine(
    benchmark_module: Module, run_benchmark: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = benchmark_module("training_step")
    monkeypatch.setattr(module, "SHAPES", [{"shape": SHAPE, "width": 2, "batch": 8}])
    found = run_benchmark("training_step", "--rounds", "2", "--steps", "2")
    check_setting(found, "training_step")
    (row,) = found["rows"]
    assert row["ways"]["baseline"]["times_baseline"] == 1
    assert {"as it is", "bf16", "channels-last", "fp32"} < set(row["ways"])
    for way in row["ways"].values():
        assert 0 < way["least"] <= way["images_per_second"] <= way["most"]
        assert 0 < way["share_of_matrix_product"] < 1


def test_every_arithmetic_is_compared_with_fp32_class_by_class(run_benchmark: Run) -> None:
    tiny = ["--source", "digits", "--epochs", "1", "--seeds", "1", "--classes", "3"]
    found = run_benchmark("precision", *tiny)
    check_setting(found, "precision")
    by_name = {row["arithmetic"]: row["test_auroc"] for row in found["rows"]}
    assert found["summary"]["fp32"]["largest_difference"] == 0
    difference = by_name["bf16"] - by_name["fp32"]
    assert found["summary"]["bf16"]["mean_difference"] == pytest.approx(difference)
    assert difference != 0  # Else bf16 was never used.


def test_table_1_scores_as_a_training_does(run_benchmark: Run) -> None:
    found = run_benchmark("table1", "--source", "digits", "--epochs", "1", "--packing", "off")
    content = read_yaml(ROOT / "configs/mnist/memgan.yaml")
    content |= {"data": {"source": "digits"}, "runtime": {"device": "cpu", "threads": 1}}
    content["parameters"]["epochs"] = 1
    configuration = parse(Configuration, content, "here")
    split = load_split(configuration.data)
    training = Training(configuration, split.development, classes=["3"], seed=0)
    training.advance()
    scores = training.detectors["3"].score(split.test.images)
    expected = auroc(scores, split.test.anomalous("3"))
    assert found["rows"]["3"]["test_auroc"] == pytest.approx(expected, abs=1e-6)
    assert found["epochs"] == "1 of 1"


def test_scores_of_few_pixels_are_chosen_by_validation(
    benchmark_module: Module, run_benchmark: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = benchmark_module("local_defects")
    monkeypatch.setattr(drawn, "_TRAIN", {"good": 12, "defect": 4})
    monkeypatch.setattr(drawn, "_TEST", {"good": 4, "defect": 2})
    tiny = ["--kinds", "part", "--seeds", "1", "--epochs", "1", "--detectors", "pca"]
    found = run_benchmark("small_defects", *tiny)
    check_setting(found, "small_defects")
    (row,), (one,) = found["compared"], found["sets"][0]["sets"]
    best = max(one["rows"], key=lambda of_row: of_row["validation"])
    assert row["of_all"]["mean"] == best["test"]
    assert {of_row["score"] for of_row in one["rows"]} > {"mean", "smoothed-max 3"}
    assert one["by_mean"]["score"] == "mean"


def test_the_page_shows_the_gains_that_were_measured() -> None:
    found = json.loads((ROOT / "benchmarks/results/small-defects.json").read_text())
    page = (ROOT / "docs/explanation/science.md").read_text()
    for row in found["compared"]:
        mean, of_all = (100 * row[way]["mean"] for way in ("by_mean", "of_all"))
        assert f"| {row['images']} | {row['detector']} | {mean:.1f} ± " in page
        assert (
            f"| {of_all:.1f} ± {100 * row['of_all']['sd']:.1f} | {100 * row['gain']:.1f} |" in page
        )


def test_winners_by_few_seeds_are_judged_by_the_others(
    benchmark_module: Module, run_benchmark: Run
) -> None:
    judged = benchmark_module("trial_seeds").judged
    # By the first seed "b" wins, and the others say "a" by 0.1; by each other one it is reversed.
    found = judged({"a": [0.5, 0.9, 0.9], "b": [0.93, 0.8, 0.8]}, 1, 2)
    assert found["choices"] == 3
    assert found["winner_is_best"] == 0
    assert found["points_behind"] == pytest.approx((10 + 2 * 16.5) / 3)
    tiny = ["--settings", "2", "--seeds", "3", "--judges", "1"]
    tiny += ["--classes", "3", "--epochs", "1"]
    found = run_benchmark("trial_seeds", *tiny)
    check_setting(found, "trial_seeds")
    assert [row["seeds"] for row in found["by_seeds"]] == [1, 2]


def test_what_was_measured_stays_when_a_benchmark_fails(
    benchmark_module: Module,
    run_benchmark: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    module = benchmark_module("training_step")
    good = {"shape": SHAPE, "width": 2, "batch": 8}
    monkeypatch.setattr(module, "SHAPES", [good, {**good, "width": 0}])
    with pytest.raises(ValueError, match="width"):
        run_benchmark("training_step", "--rounds", "1", "--steps", "1")
    found = json.loads((tmp_path / "training_step.json").read_text())
    assert [row["width"] for row in found["rows"]] == [2]


def test_the_baseline_keeps_running_statistics_and_scores_with_them(
    benchmark_module: Module,
) -> None:
    torch.manual_seed(0)
    model = benchmark_module("public_step").PublicMemgan(TINY, SHAPE, torch.device("cpu"))
    model.fit_epoch(IMAGES)
    layers = [
        layer
        for network in (model.encoder, model.generator)
        for layer in network.modules()
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)
    ]
    assert layers
    for layer in layers:
        assert layer.running_mean is not None
        assert layer.running_mean.abs().sum() > 0
    together, alone = model.score(IMAGES), [model.score(image[None])[0] for image in IMAGES]
    assert together == pytest.approx(alone, rel=1e-4)


def test_searches_are_compared_round_by_round(benchmark_module: Module) -> None:
    def row(seconds: float, cpu: float | None) -> dict[str, float | None]:
        return {"wall_seconds": seconds, "search_seconds": seconds / 2, "cpu_seconds": cpu}

    rows = {
        "plain": [row(20, 1), row(900, None), row(30, 1)],
        "memgan": [row(10, 1), row(300, 1), row(10, 1)],
    }
    found = benchmark_module("against_plain_tune").ratios(rows)
    assert found["wall_seconds"] == {"median": 3, "least": 2, "most": 3}
    assert found["search_seconds"] == found["wall_seconds"]
    assert found["cpu_seconds"] is None


def of_one_seed(device: str) -> list[Memgan]:
    return [Memgan(TINY, image_shape=SHAPE, seed=0, device=torch.device(device)) for _ in range(2)]


def test_a_captured_step_is_given_the_batches_of_the_plain_one(benchmark_module: Module) -> None:
    module = benchmark_module("graphed_step")
    detector, twin = of_one_seed("cpu")
    graphed = module.GraphedMemgan(detector, IMAGES, module.without_a_graph)
    assert module.difference_from_plain(graphed, twin, IMAGES) == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
def test_a_captured_step_trains_as_the_plain_one(benchmark_module: Module) -> None:
    module = benchmark_module("graphed_step")
    detector, twin = of_one_seed("cuda")
    graphed = module.GraphedMemgan(detector, IMAGES)
    assert module.difference_from_plain(graphed, twin, IMAGES) < 1e-3


@pytest.mark.parametrize(
    ("benchmark", "arguments", "key"),
    [
        pytest.param(
            "at_once", ["--processes", "1,2", "--seconds", "1", "--side", "8"], "rows", marks=SLOW
        ),
        pytest.param(
            "against_plain_tune",
            ["--trials", "2", "--epochs", "2", "--classes", "0,1"],
            "times_as_long",
            marks=SLOW,
        ),
    ],
)
def test_a_benchmark_of_several_processes_writes_its_figures(
    benchmark: str, arguments: list[str], key: str, tmp_path: Path
) -> None:
    out = tmp_path / "found.json"
    command = [sys.executable, ROOT / "benchmarks" / f"{benchmark}.py", *arguments, "--out", out]
    subprocess.run(command, check=True, cwd=ROOT)
    found = json.loads(out.read_text())
    assert found["benchmark"] == benchmark
    assert found[key]
