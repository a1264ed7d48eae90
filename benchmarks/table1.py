"""Table 1 whole: ten classes with one seed, in seconds of training and of scoring.

    python benchmarks/table1.py --data-dir DIR
    python benchmarks/table1.py --source digits --epochs 2

All classes are one training, as in a trial or a final: as one stacked model where `--packing` says
so, else in turn. Seconds of training include the statistics of BatchNorm that scoring needs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from _setting import check_out, write

from memgan.config import Configuration, parse, read_yaml
from memgan.data import load_split
from memgan.machine import (
    peak_memory_mb,
    prepare_process,
    reset_peak_memory,
    resolve_device,
)
from memgan.stats import auroc
from memgan.training import Training

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configuration", type=Path, default=ROOT / "configs/mnist/memgan.yaml")
    parser.add_argument("--source", default="mnist")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--packing", default="auto", choices=["auto", "on", "off"])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/table1-seconds.json")
    chosen = parser.parse_args()
    check_out(chosen.out)
    device = resolve_device(chosen.device)
    content = read_yaml(chosen.configuration)
    content["data"] = {"source": chosen.source, "dir": chosen.data_dir}
    content["runtime"] = {"device": device.type, "threads": 1, "packing": chosen.packing}
    if chosen.epochs:
        content["parameters"]["epochs"] = chosen.epochs
    configuration = parse(Configuration, content, str(chosen.configuration))
    split = load_split(configuration.data)
    prepare_process(1)
    reset_peak_memory()
    started = time.perf_counter()
    training = Training(configuration, split.development, classes=split.normal_classes, seed=0)
    figures: dict[str, Any] = {
        "configuration": chosen.configuration.name,
        "source": chosen.source,
        "packing": chosen.packing,
        "rows": {},
    }

    def write_down(**more: Any) -> None:
        figures.update(more, peak_memory_mb=peak_memory_mb())
        write(chosen.out, "table1", device.type, figures)

    while not training.finished:
        training.advance(validate=False)
        _wait(device)
        write_down(
            epochs=f"{training.epoch} of {training.epochs}",
            training_seconds=time.perf_counter() - started,
        )
    training.prepare_to_score()
    _wait(device)
    figures["training_seconds"] = time.perf_counter() - started
    rows: dict[str, dict[str, float]] = figures["rows"]
    for name, detector in training.detectors.items():
        began = time.perf_counter()
        scores = detector.score(split.test.images)
        rows[name] = {
            "test_auroc": auroc(scores, split.test.anomalous(name)),
            "scoring_seconds": time.perf_counter() - began,
        }
        print(name, rows[name], flush=True)
    write_down(
        mean_test_auroc=sum(row["test_auroc"] for row in rows.values()) / len(rows),
        scoring_seconds=sum(row["scoring_seconds"] for row in rows.values()),
    )
    print({key: figures[key] for key in ("mean_test_auroc", "training_seconds", "peak_memory_mb")})
    print(f"wrote {chosen.out}")


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
