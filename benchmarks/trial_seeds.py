"""How often the winner of a study is its best trial, by the number of seeds inside a trial.

    python benchmarks/trial_seeds.py

Settings of MEMGAN are drawn, and each is trained on digits with eight seeds. Of every choice of K
seeds the winner is the setting with the best mean validation AUROC over them. Every five of the
other seeds say whether it is the best of all, and how many points it is behind that one.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _setting import check_out, write
from label_free import settings_of

from memgan.config import Configuration, DataConfig, Runtime, make_parameters
from memgan.data import load_split
from memgan.machine import prepare_process
from memgan.training import Training

_OUT = Path(__file__).parent / "results" / "trial-seeds-digits.json"


def judged(by_seed: Mapping[str, Sequence[float]], count: int, judges: int) -> dict[str, Any]:
    """The winners by every `count` seeds, judged by every `judges` of the other seeds.

    by_seed: validation AUROC, 0 to 1, by setting and seed.
    """
    seeds = range(len(next(iter(by_seed.values()))))
    best, behind = [], []
    for chosen in itertools.combinations(seeds, count):
        rest = [seed for seed in seeds if seed not in chosen]
        seen = {name: statistics.fmean(of[s] for s in chosen) for name, of in by_seed.items()}
        winner = max(seen, key=seen.__getitem__)
        for others in itertools.combinations(rest, judges):
            true = {name: statistics.fmean(of[s] for s in others) for name, of in by_seed.items()}
            best.append(true[winner] == max(true.values()))
            behind.append(100 * (max(true.values()) - true[winner]))
    return {
        "seeds": count,
        "winner_is_best": statistics.fmean(best),
        "points_behind": statistics.fmean(behind),
        "choices": len(best),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=8, help="Of each setting.")
    parser.add_argument("--judges", type=int, default=5, help="Seeds that judge a winner.")
    parser.add_argument("--classes", default="3,8")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--device", choices=["cpu"], default="cpu")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args()
    check_out(options.out)
    prepare_process(1)
    development = load_split(DataConfig(source="digits")).development
    settings = settings_of("memgan", options.settings)
    found: dict[str, list[float]] = {}
    started = time.perf_counter()
    for number, values in enumerate(settings):
        configuration = Configuration(
            parameters=make_parameters("memgan", {**values, "epochs": options.epochs}, "settings"),
            runtime=Runtime(device="cpu", threads=1),
        )
        found[str(number)] = []
        for seed in range(options.seeds):
            training = Training(
                configuration, development, classes=options.classes.split(","), seed=seed
            )
            while not training.finished:
                report = training.advance(validate=training.epoch + 1 == options.epochs)
            found[str(number)].append(report.mean_val_auroc)
        print(number, [round(100 * value, 2) for value in found[str(number)]], flush=True)
    counts = [count for count in (1, 2, 3) if count + options.judges <= options.seeds]
    trained = options.settings * options.seeds
    figures = {
        "by_seeds": [judged(found, count, options.judges) for count in counts],
        "val_auroc": found,
        "settings": settings,
        "epochs": options.epochs,
        "classes": options.classes.split(","),
        "seconds_of_a_training": round((time.perf_counter() - started) / trained, 3),
    }
    write(options.out, "trial_seeds", options.device, figures)
    for row in figures["by_seeds"]:
        print(row)


if __name__ == "__main__":
    main()
