"""Table 1 whole: ten classes with one seed, in seconds of training and of scoring.

python benchmarks/table1.py --data-dir DIR
python benchmarks/table1.py --source digits --configuration configs/mnist/memgan.yaml
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
from memgan.machine import prepare_process, resolve_device
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
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/table1-seconds.json")
    chosen = parser.parse_args()
    check_out(chosen.out)
    device = resolve_device(chosen.device)
    content = read_yaml(chosen.configuration)
    content["data"] = {"source": chosen.source, "dir": chosen.data_dir}
    content["runtime"] = {"device": device.type, "threads": 1}
    if chosen.epochs:
        content["parameters"]["epochs"] = chosen.epochs
    configuration = parse(Configuration, content, str(chosen.configuration))
    split = load_split(configuration.data)
    prepare_process(1)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    rows: dict[str, dict[str, Any]] = {}
    for name in split.normal_classes:
        started = time.perf_counter()
        training = Training(configuration, split.development, classes=[name], seed=0)
        while not training.finished:
            training.advance(validate=False)
        _wait(device)
        trained = time.perf_counter()
        scores = training.detectors[name].score(split.test.images)
        rows[name] = {
            "test_auroc": auroc(scores, split.test.anomalous(name)),
            "training_seconds": trained - started,
            "scoring_seconds": time.perf_counter() - trained,
        }
        print(name, rows[name], flush=True)
    figures = {
        "configuration": chosen.configuration.name,
        "source": chosen.source,
        "mean_test_auroc": sum(row["test_auroc"] for row in rows.values()) / len(rows),
        "training_seconds": sum(row["training_seconds"] for row in rows.values()),
        "scoring_seconds": sum(row["scoring_seconds"] for row in rows.values()),
        "peak_gpu_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
        "rows": rows,
    }
    print({key: figures[key] for key in ("mean_test_auroc", "training_seconds")})
    write(chosen.out, "table1", device.type, figures)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
