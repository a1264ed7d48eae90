"""How well anomalies made from normal images choose, beside labelled ones.

Trains one detector under several settings on every class, and scores each three times: on labelled
validation anomalies, on made ones (`--objective label-free`), and on the test images:

    python benchmarks/label_free.py mnist --detector pca --data-dir DIR
    python benchmarks/label_free.py mnist --detector memgan --classes 2,8 --data-dir DIR
    python benchmarks/label_free.py part --detector pca

`part` and `texture` are images with small defects, drawn from a seed (local_defects.py).

Prints, of the mean AUROC over classes, Spearman's rank correlation of either choice with the test,
and the test AUROC of the setting that each would choose. No choice is made by the test images.

Each kind of made anomaly is ranked by itself too. With --kinds the test images are not looked at:
every kind, two that were given up among them, is ranked against labelled validation.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from local_defects import DEFECTS, make_source
from scipy.stats import spearmanr

from memgan.config import Configuration, DataConfig, Runtime, make_parameters
from memgan.data import VERSION, Pixels, Split, load_split, make_split, with_made_anomalies
from memgan.detectors import Detector
from memgan.files import begins_with, check_output
from memgan.machine import machine, prepare_process, versions
from memgan.stats import auroc, judge
from memgan.training import Training

Figures = npt.NDArray[np.float64]

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


def split_of(source: str, folder: Path | None) -> Split:
    """The split of a source that memgan knows or of one that is drawn."""
    if source in DEFECTS:
        # Of labelled images as many as a user with some defects would hold out.
        data = DataConfig(source=source, validation_fraction=0.25)
        return make_split(make_source(source), data)
    return load_split(DataConfig(source=source, dir=folder))


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


def judged(detector: Detector, split: Split, made: Split, name: str) -> dict[str, float]:
    """One setting by labelled validation, by made anomalies, all and each kind, and by test."""
    images, anomalous = split.development.validation_of(name)
    made_images, made_flags = made.development.validation_of(name)
    found = judge(detector.score(made_images), made_flags, made.development.made_kinds(name))
    return {
        "labelled": auroc(detector.score(images), anomalous),
        "made": found.figure,
        "test": auroc(detector.score(split.test.images), split.test.anomalous(name)),
        **{f"made {kind}": figure for kind, figure in found.kinds.items()},
    }


def kinds_judged(detector: Detector, split: Split, made: Split, name: str) -> dict[str, float]:
    """Labelled validation, and held-out normals beside one kind of made anomaly each."""
    assert made.development.made_anomalies is not None
    normals = split.development.validation.of_class(name)
    images, anomalous = split.development.validation_of(name)
    found = {"labelled": auroc(detector.score(images), anomalous)}
    beside: dict[str, Pixels] = dict(made.development.made_anomalies[name])
    for change in (blend, add_noise):
        rng = np.random.default_rng(0)
        others = normals[rng.permutation(len(normals))]
        beside[change.__name__] = np.stack(
            [change(image, other, rng) for image, other in zip(normals, others, strict=True)]
        )
    flags = np.arange(2 * len(normals)) >= len(normals)
    of_normals = detector.score(normals)
    for kind, images in beside.items():
        found[kind] = auroc(np.concatenate([of_normals, detector.score(images)]), flags)
    return found


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Correlations and choices from the means over classes of every setting."""
    kinds = {kind: np.array([row["mean"][kind] for row in rows]) for kind in rows[0]["mean"]}
    if "test" not in kinds:
        labelled = kinds.pop("labelled")
        return {
            f"spearman_{name}_with_labelled": _order(of, labelled) for name, of in kinds.items()
        }
    test = kinds["test"]
    return {
        "spearman_made_with_test": _order(kinds["made"], test),
        "spearman_labelled_with_test": _order(kinds["labelled"], test),
        "spearman_by_kind_with_test": {
            kind.removeprefix("made "): _order(of, test)
            for kind, of in kinds.items()
            if kind.startswith("made ")
        },
        "test_of_the_choice_by_made": round(100 * float(test[kinds["made"].argmax()]), 2),
        "test_of_the_choice_by_labelled": round(100 * float(test[kinds["labelled"].argmax()]), 2),
        "test_of_the_middle_setting": round(100 * float(np.median(test)), 2),
    }


def _order(one: Figures, other: Figures) -> float | None:
    """Spearman's rank correlation; None where all of one are equal, so that it has no order."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return round(float(spearmanr(one, other).statistic), 3)


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
    if options.out:
        check_output(options.out, begins_with('{\n "source"'))
    prepare_process(1)
    started = time.perf_counter()
    split = split_of(options.source, options.data_dir)
    given = options.classes or ("good" if options.source in DEFECTS else None)
    classes = given.split(",") if given else split.normal_classes
    made = with_made_anomalies(split, classes, 0)
    judge_all = kinds_judged if options.kinds else judged
    rows: list[dict[str, Any]] = []
    settings = settings_of(options.detector, options.settings)
    if options.contrast:
        settings = with_contrast(settings)
    for values in settings:
        found = {}
        for name in classes:
            detector = trained(split, options.detector, values, name)
            found[name] = judge_all(detector, split, made, name)
        # Of a kind that only some classes have: over those.
        named = dict.fromkeys(kind for of_class in found.values() for kind in of_class)
        mean = {
            kind: float(np.mean([of[kind] for of in found.values() if kind in of]))
            for kind in named
        }
        rows.append({"values": values, "mean": mean, "classes": found})
        print(values, {kind: round(100 * value, 2) for kind, value in mean.items()}, flush=True)
    drawn = options.source in DEFECTS
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
        f" {options.detector}{given}{'' if drawn else ' --data-dir DIR'}",
        "made_anomalies": VERSION,
    }
    print(json.dumps(summarise(rows), indent=1))
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
