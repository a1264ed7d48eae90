"""How well anomalies made from normal images choose, beside labelled ones.

Trains one detector under several settings on every class, and scores each three times: on labelled
validation anomalies, on made ones (`--objective label-free`), and on the test images:

    python benchmarks/label_free.py mnist --detector pca --data-dir DIR
    python benchmarks/label_free.py mnist --detector memgan --classes 2,8 --data-dir DIR

Prints, of the mean AUROC over classes, Spearman's rank correlation of either choice with the test,
and the test AUROC of the setting that each would choose. No choice is made by the test images.

With --kinds the test images are left alone: every kind of made anomaly by itself, two that were
given up for it among them, is ranked against labelled validation.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from memgan.config import DataConfig
from memgan.configuration import Configuration, Runtime
from memgan.data import Split, load_split
from memgan.data.images import Flags, Pixels
from memgan.data.made_anomalies import CHANGES, with_made_anomalies
from memgan.detectors import Detector
from memgan.metrics import auroc
from memgan.parameters import make_parameters
from memgan.runtime import machine, prepare_process, versions
from memgan.training import Training

_SETTINGS: dict[str, list[dict[str, Any]]] = {
    "pca": [{"components": 2**power} for power in range(9)],
    "neighbours": [{"neighbours": count} for count in (1, 2, 3, 5, 10, 20, 50, 100)],
}


def settings_of(detector: str, count: int) -> list[dict[str, Any]]:
    """A grid for detectors with one number; for MEMGAN points drawn with a fixed seed."""
    if detector != "memgan":
        return _SETTINGS[detector]
    rng = np.random.default_rng(0)
    return [
        {
            "epochs": int(rng.choice([1, 2, 4])),
            "width": int(rng.choice([4, 8])),
            "learning_rate": float(10 ** rng.uniform(-3.5, -2.3)),
            "memory_units": int(rng.choice([10, 25, 50, 100])),
            "memory_dim": int(rng.choice([8, 16, 32, 64])),
            "projection_weight": float(10 ** rng.uniform(-1.5, 0)),
        }
        for _ in range(count)
    ]


def with_contrast(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same settings of MEMGAN, half of them with contrast normalised, and with memory units at
    the usual spread or further apart."""
    rng = np.random.default_rng(1)
    return [
        {**values, "contrast_normalised": bool(at % 2), "memory_std": float(rng.choice([1.0, 3.0]))}
        for at, values in enumerate(settings)
    ]


def blend(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """Given up: the two images over each other, 35 to 65 % of each."""
    share = generator.uniform(0.35, 0.65)
    return (share * image + (1 - share) * other).round().astype(np.uint8)


def add_noise(image: Pixels, other: Pixels, generator: np.random.Generator) -> Pixels:
    """Given up: Gaussian noise over all of the image, 20 to 60 grey levels."""
    noise = generator.normal(0, generator.uniform(20, 60), image.shape)
    return (image + noise).clip(0, 255).round().astype(np.uint8)


def trained(split: Split, detector: str, values: dict[str, Any], name: str) -> Detector:
    """A detector of one class under one setting, ready to score."""
    configuration = Configuration(
        detector=detector,
        parameters=make_parameters(detector, values, "settings"),
        runtime=Runtime(device="cpu", threads=1),
    )
    training = Training(configuration, split.development, classes=[name], seed=0)
    while not training.finished:
        training.advance(validate=False)
    training.prepare_to_score()
    return training.detectors[name]


Judged = dict[str, tuple[Pixels, Flags]]


def sets_of(split: Split, made: Split, name: str) -> Judged:
    """What a setting is judged by: labelled and made validation, and the test images."""
    return {
        "labelled": split.development.validation_of(name),
        "made": made.development.validation_of(name),
        "test": (split.test.images, split.test.anomalous(name)),
    }


def kinds_of(split: Split, name: str) -> Judged:
    """Labelled validation, and held-out normals beside one kind of made anomaly each."""
    normals = split.development.validation.of_class(name)
    flags = np.arange(2 * len(normals)) >= len(normals)
    found: Judged = {"labelled": split.development.validation_of(name)}
    for change in (*CHANGES, blend, add_noise):
        rng = np.random.default_rng(0)
        others = normals[rng.permutation(len(normals))]
        made = [change(image, other, rng) for image, other in zip(normals, others, strict=True)]
        found[change.__name__] = np.concatenate([normals, np.stack(made)]), flags
    return found


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Correlations and choices from the means over classes of every setting."""
    kinds = {kind: np.array([row["mean"][kind] for row in rows]) for kind in rows[0]["mean"]}
    if "test" not in kinds:
        labelled = kinds.pop("labelled")
        return {
            f"spearman_{name}_with_labelled": round(float(spearmanr(of, labelled).statistic), 3)
            for name, of in kinds.items()
        }
    test = kinds["test"]
    return {
        "spearman_made_with_test": round(float(spearmanr(kinds["made"], test).statistic), 3),
        "spearman_labelled_with_test": round(
            float(spearmanr(kinds["labelled"], test).statistic), 3
        ),
        "test_of_the_choice_by_made": round(100 * float(test[kinds["made"].argmax()]), 2),
        "test_of_the_choice_by_labelled": round(100 * float(test[kinds["labelled"].argmax()]), 2),
        "test_of_the_middle_setting": round(100 * float(np.median(test)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--detector", choices=["memgan", *_SETTINGS], default="pca")
    parser.add_argument("--classes", help="Names, by commas; all by default.")
    parser.add_argument("--settings", type=int, default=12, help="Of memgan.")
    parser.add_argument(
        "--contrast", action="store_true", help="Of memgan: vary contrast and spread of units too."
    )
    parser.add_argument("--kinds", action="store_true", help="Rank the kinds, without the test.")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    prepare_process(1)
    started = time.perf_counter()
    data = DataConfig(source=options.source, dir=options.data_dir)
    split = load_split(data)
    classes = options.classes.split(",") if options.classes else split.normal_classes
    made = with_made_anomalies(split, classes, data.split_seed)
    sets = {
        name: kinds_of(split, name) if options.kinds else sets_of(split, made, name)
        for name in classes
    }
    rows: list[dict[str, Any]] = []
    settings = settings_of(options.detector, options.settings)
    if options.contrast:
        settings = with_contrast(settings)
    for values in settings:
        found = {}
        for name in classes:
            detector = trained(split, options.detector, values, name)
            found[name] = {
                kind: auroc(detector.score(images), anomalous)
                for kind, (images, anomalous) in sets[name].items()
            }
        mean = {
            kind: float(np.mean([row[kind] for row in found.values()])) for kind in sets[classes[0]]
        }
        rows.append({"values": values, "mean": mean, "classes": found})
        print(values, {kind: round(100 * value, 2) for kind, value in mean.items()}, flush=True)
    given = f" --classes {options.classes}" if options.classes else ""
    given += f" --settings {options.settings}" if options.detector == "memgan" else ""
    given += " --contrast" if options.contrast else ""
    given += " --kinds" if options.kinds else ""
    document = {
        "source": options.source,
        "detector": options.detector,
        "classes": list(classes),
        **summarise(rows),
        "settings": rows,
        "seconds": round(time.perf_counter() - started, 1),
        "machine": machine(),
        "versions": versions(),
        "command": f"python benchmarks/label_free.py {options.source} --detector"
        f" {options.detector}{given} --data-dir DIR",
    }
    print(json.dumps(summarise(rows), indent=1))
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
