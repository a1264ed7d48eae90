"""Table 1 whole: ten classes with one seed, in seconds of training and of scoring.

    python benchmarks/table1.py --data-dir DIR
    python benchmarks/table1.py --source digits --epochs 2

All classes are one training, as in a trial or a final: as one stacked model where `--packing` says
so, else in turn. Seconds of training include the statistics of BatchNorm that scoring needs.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from _setting import check_out, chosen_configuration, training_options, write

from memgan.data import load_split
from memgan.machine import peak_memory_mb, prepare_process, reset_peak_memory
from memgan.stats import auroc
from memgan.training import Training


def main() -> None:
    """Measure, print and write down."""
    parser = training_options(__doc__, "table1-seconds.json")
    parser.add_argument("--packing", default="auto", choices=["auto", "on", "off"])
    chosen = parser.parse_args()
    check_out(chosen.out)
    configuration, device = chosen_configuration(chosen, packing=chosen.packing)
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
