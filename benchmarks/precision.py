"""AUROC of MEMGAN trained in each arithmetic: fp32, bf16, and on a GPU tf32.

    python benchmarks/precision.py --data-dir DIR
    python benchmarks/precision.py --source digits --epochs 2 --seeds 1

Detectors of one class and seed start from the same weights and see the same batches; only the
arithmetic of training differs, and all are scored in fp32. Seeds come one after the other, each
with every class in every arithmetic, so that what is measured when time runs out is a fair part.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from _arithmetic import Setting, arithmetics
from _setting import check_out, chosen_configuration, training_options, write

from memgan.config import Configuration
from memgan.data import Split, load_split
from memgan.machine import prepare_process
from memgan.stats import OverSeeds, auroc
from memgan.training import Training


def main() -> None:
    """Measure, print and write down."""
    parser = training_options(__doc__, "precision.json")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--classes", default="all", help="all, or names with commas between.")
    chosen = parser.parse_args()
    check_out(chosen.out)
    configuration, device = chosen_configuration(chosen)
    split = load_split(configuration.data)
    prepare_process(1)
    names = split.normal_classes if chosen.classes == "all" else chosen.classes.split(",")
    rows: list[dict[str, Any]] = []
    for seed in range(chosen.seeds):
        for name in names:
            for arithmetic, setting in arithmetics(device).items():
                found = _train_and_score(configuration, split, name, seed, setting)
                rows.append({"seed": seed, "class": name, "arithmetic": arithmetic, **found})
            figures = {
                "configuration": chosen.configuration.name,
                "source": chosen.source,
                "summary": summary(rows),
                "rows": rows,
            }
            write(chosen.out, "precision", device.type, figures)
        print(f"seed {seed}:", figures["summary"], flush=True)
    print(f"wrote {chosen.out}")


def summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """By arithmetic: AUROC, mean over the rows of one seed, its mean and spread over the seeds that
    are whole; and the mean and the largest difference from fp32 of the same class and seed."""
    classes = {row["class"] for row in rows}
    fp32 = {(r["seed"], r["class"]): r["test_auroc"] for r in rows if r["arithmetic"] == "fp32"}
    found = {}
    for arithmetic in dict.fromkeys(row["arithmetic"] for row in rows):
        own = [row for row in rows if row["arithmetic"] == arithmetic]
        by_seed: dict[int, list[float]] = {}
        for row in own:
            by_seed.setdefault(row["seed"], []).append(row["test_auroc"])
        means = [statistics.mean(v) for v in by_seed.values() if len(v) == len(classes)]
        over_seeds = OverSeeds.of(means)
        away = [row["test_auroc"] - fp32[row["seed"], row["class"]] for row in own]
        found[arithmetic] = {
            "seeds": len(means),
            "mean_test_auroc": over_seeds.mean,
            "spread_over_seeds": over_seeds.sd,
            "mean_difference": statistics.mean(away),
            "largest_difference": max(map(abs, away)),
            "training_seconds": sum(row["training_seconds"] for row in own),
        }
    return found


def _train_and_score(
    configuration: Configuration, split: Split, name: str, seed: int, setting: Setting
) -> dict[str, float]:
    training = Training(configuration, split.development, classes=[name], seed=seed)
    started = time.perf_counter()
    with setting():
        while not training.finished:
            training.advance(validate=False)
    seconds = time.perf_counter() - started
    training.prepare_to_score()
    scores = training.detectors[name].score(split.test.images)
    return {
        "test_auroc": auroc(scores, split.test.anomalous(name)),
        "training_seconds": seconds,
    }


if __name__ == "__main__":
    main()
