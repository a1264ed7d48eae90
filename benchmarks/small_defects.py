"""What a score of few pixels brings where defects are small, and validation chooses the score.

    python benchmarks/small_defects.py

`part` and `texture` are images of 64×64 with small defects, drawn from a seed (local_defects.py).
Every setting of a detector is trained once and scored in every way. The best by validation AUROC is
then tested: once among those that score by the mean over all pixels, and once among all.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from _setting import check_out, write
from local_defects import make_source

from memgan.config import Configuration, DataConfig, Runtime, make_parameters
from memgan.data import Split, make_split
from memgan.detectors import Detector, build_detector
from memgan.machine import prepare_process
from memgan.stats import OverSeeds, auroc
from memgan.training import Training

_OUT = Path(__file__).parent / "results" / "small-defects.json"
SCORES: dict[str, dict[str, Any]] = {
    "mean": {},
    **{
        f"top-share {share:g}": {"score": "top-share", "score_share": share}
        for share in (0.005, 0.02)
    },
    **{
        f"smoothed-max {window}": {"score": "smoothed-max", "score_window": window}
        for window in (3, 5, 9)
    },
}
_NETWORK = {"epochs": 15, "batch_size": 32, "width": 8}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "pca": [{"components": count} for count in (4, 16, 64)],
    "autoencoder": [{**_NETWORK, "code_dim": 64}],
    "memgan": [{**_NETWORK, "memory_dim": 64, "projection_weight": 0.1}],
}


def scored(detector: str, values: dict[str, Any], split: Split) -> list[dict[str, Any]]:
    """One setting trained, and judged with every score; AUROC from 0 to 1."""
    parameters = make_parameters(detector, values, "settings")
    configuration = Configuration(
        detector=detector, parameters=parameters, runtime=Runtime(device="cpu", threads=1)
    )
    training = Training(configuration, split.development, classes=["good"], seed=0)
    while not training.finished:
        training.advance(validate=False)
    training.prepare_to_score()
    trained = training.detectors["good"]
    images, anomalous = split.development.validation_of("good")
    rows = []
    for name, score in SCORES.items():
        by = _scoring(trained, detector, {**values, **score})
        rows.append(
            {
                "values": values,
                "score": name,
                "validation": auroc(by.score(images), anomalous),
                "test": auroc(by.score(split.test.images), split.test.anomalous("good")),
            }
        )
    return rows


def _scoring(trained: Detector, name: str, values: dict[str, Any]) -> Detector:
    detector = build_detector(
        name,
        make_parameters(name, values, "settings"),
        image_shape=trained.image_shape,
        seed=0,
        device=trained.device,
    )
    detector.load_weights(trained.weights())
    return detector


def chosen(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The best of rows by validation; of equal ones the first."""
    return max(rows, key=lambda row: float(row["validation"]))


def compare(split: Split, detector: str, settings: list[dict[str, Any]]) -> dict[str, Any]:
    """One detector on one drawn set: what validation chooses by the mean alone, and of all."""
    rows = [row for values in settings for row in scored(detector, values, split)]
    by_mean = [row for row in rows if row["score"] == "mean"]
    return {"by_mean": chosen(by_mean), "of_all": chosen(rows), "rows": rows}


def summary(detector: str, kind: str, sets: list[dict[str, Any]]) -> dict[str, Any]:
    """Test AUROC over the drawn sets, both ways, and the gain."""
    found: dict[str, Any] = {"detector": detector, "images": kind}
    for way in ("by_mean", "of_all"):
        figures = OverSeeds.of([one[way]["test"] for one in sets])
        found[way] = {"mean": figures.mean, "sd": figures.sd}
    found["gain"] = found["of_all"]["mean"] - found["by_mean"]["mean"]
    found["chosen"] = [one["of_all"]["score"] for one in sets]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="Drawn sets of each kind.")
    parser.add_argument("--detectors", default=",".join(SETTINGS))
    parser.add_argument("--kinds", default="part,texture")
    parser.add_argument("--epochs", type=int, help="Of networks, in place of their own.")
    parser.add_argument("--device", choices=["cpu"], default="cpu")
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args()
    check_out(options.out)
    prepare_process(1)
    started = time.perf_counter()
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for kind in options.kinds.split(","):
        for seed in range(options.seeds):
            # Of labelled images as many as a user with some defects would hold out.
            data = DataConfig(source=kind, validation_fraction=0.25)
            split = make_split(make_source(kind, seed), data)
            for detector in options.detectors.split(","):
                settings = SETTINGS[detector]
                if options.epochs and "epochs" in settings[0]:
                    settings = [{**values, "epochs": options.epochs} for values in settings]
                compared = compare(split, detector, settings)
                found.setdefault((detector, kind), []).append({"seed": seed, **compared})
                print(kind, seed, detector, compared["by_mean"], compared["of_all"], flush=True)
            figures = {
                "compared": [summary(*of, sets) for of, sets in found.items()],
                "sets": [{"of": of, "sets": sets} for of, sets in found.items()],
                "seconds": round(time.perf_counter() - started, 1),
            }
            write(options.out, "small_defects", options.device, figures)


if __name__ == "__main__":
    main()
