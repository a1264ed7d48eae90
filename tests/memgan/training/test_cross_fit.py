"""Every normal image trains and calibrates, and the false-alarm rate is near the nominal one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from memgan.analysis import pixel_scores
from memgan.bundle import load_bundle
from memgan.bundle.bundle_of_cells import write_bundle
from memgan.bundle.calibration import Calibration
from memgan.config.configuration import Configuration
from memgan.config.typed import DataConfig
from memgan.data import LabeledImages, Source, Split, make_split, with_made_anomalies
from memgan.data.split import fold_numbers
from memgan.detectors import build_detector
from memgan.errors import DataError
from memgan.training.cell_files import load_cell, save_cell
from memgan.training.cells import train_cell

CROSSED = DataConfig(source="parts", test_fraction=0, calibration="cross-fit")


def parts(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Images that vary along four directions, with noise."""
    rng = np.random.default_rng(seed)
    shapes = np.random.default_rng(7).normal(size=(4, 64))
    values = 128 + 20 * rng.normal(size=(count, 4)) @ shapes / 2 + 12 * rng.normal(size=(count, 64))
    return values.clip(0, 255).astype(np.uint8).reshape(count, 1, 8, 8)


def split_of(count: int, config: DataConfig = CROSSED, seed: int = 0) -> Split:
    images = LabeledImages(parts(count, seed), np.zeros(count, np.int64), ("good",))
    return make_split(Source("parts", images, None), config)


def of(detector: str, **parameters: Any) -> Configuration:
    return Configuration(
        detector=detector, data=CROSSED, parameters=parameters, runtime={"device": "cpu"}
    )


def test_without_a_test_share_no_image_of_normals_is_cut_off() -> None:
    split = split_of(120)

    assert len(split.test) == 0
    assert len(split.development.train) == 108
    assert len(split.development.validation) == 12


@pytest.mark.parametrize("detector", ["memgan", "pca", "dsvdd", "neighbours"])
def test_every_normal_image_calibrates_and_the_bundle_says_how(
    detector: str, tmp_path: Path, tiny: Callable[..., Configuration]
) -> None:
    configuration = of(detector) if detector != "memgan" else tiny(data=CROSSED)
    if detector == "dsvdd":
        configuration = of(detector, epochs=2)
    split = with_made_anomalies(split_of(30), ["good"], 0)

    cell = train_cell(configuration, split.development, split.test, "good", seed=0)

    assert (len(cell.normal_scores), cell.folds) == (30, 5)
    assert cell.test_auroc is None
    assert cell.val_auroc is not None
    assert cell.validation is not None
    save_cell(tmp_path / "cell", cell)
    stored = load_cell(tmp_path / "cell")
    assert stored is not None
    assert stored.folds == 5
    write_bundle(tmp_path / "bundle", configuration, split, [stored])
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.calibration.folds == 5
    # Only peaks by detectors that did not train on an image say what a new one's reach.
    maps = bundle.maps(parts(1, seed=9))
    assert len(bundle.calibration.normal_peaks) == (0 if maps is None else 30)
    shown = bundle.calibration.normal_residual
    assert shown is None or shown == min(max(cell.normal_mark or 0, 1), 255)
    assert (bundle.calibration.pixel_threshold is None) == (maps is None)
    assert np.isfinite(bundle.score(parts(3, seed=9))).all()
    card = (tmp_path / "bundle" / "card.md").read_text()
    assert "by cross-fitting over 5 folds" in card
    assert "arXiv 1905.02928" in card
    assert "tested on nothing" in card


def test_it_repeats_exactly(tiny: Callable[..., Configuration]) -> None:
    split = with_made_anomalies(split_of(20), ["good"], 0)

    one, two = (
        train_cell(tiny(data=CROSSED), split.development, split.test, "good", seed=3)
        for _ in range(2)
    )

    assert np.array_equal(one.normal_scores, two.normal_scores)
    assert one.val_auroc == two.val_auroc


def test_the_final_detector_trains_on_the_held_out_images_too() -> None:
    split = split_of(20)
    known = LabeledImages(parts(20), np.zeros(20, np.int64), ("good",))
    held_out = of("neighbours").model_copy(update={"data": DataConfig(test_fraction=0)})

    crossed = train_cell(of("neighbours"), split.development, known, "good", seed=0)
    plain = train_cell(held_out, split.development, known, "good", seed=0)

    assert (len(plain.normal_scores), plain.folds) == (2, 0)
    assert (plain.test_scores > 1e-3).sum() == 2  # A known image has itself as its neighbour.
    assert (crossed.test_scores > 1e-3).sum() == 0
    assert (crossed.normal_scores > 1e-3).all()


@pytest.mark.parametrize("rate", [0.05, 0.1])
@pytest.mark.parametrize("detector", ["pca", "neighbours"])
def test_false_alarms_come_at_about_the_nominal_rate(detector: str, rate: float) -> None:
    flagged = []
    for seed in range(20):
        split = split_of(60, seed=100 + seed)
        configuration = of(detector, **({"components": 4} if detector == "pca" else {}))
        cell = train_cell(configuration, split.development, split.test, "good", seed=0)
        fresh = LabeledImages(parts(300, seed=900 + seed), np.zeros(300, np.int64), ("good",))
        scored = train_cell(configuration, split.development, fresh, "good", seed=0)
        calibration = Calibration(normal_scores=tuple(cell.normal_scores), folds=cell.folds)
        flagged.append(calibration.at(rate).verdicts(scored.test_scores).mean())

    mean, error = float(np.mean(flagged)), float(np.std(flagged)) / len(flagged) ** 0.5
    assert mean <= rate + 3 * error + 0.01
    assert mean >= 0.4 * rate


def test_identical_images_share_a_fold_and_folds_are_even() -> None:
    images = parts(23)
    images[5] = images[11]

    numbers = fold_numbers(images, seed=0)

    assert numbers[5] == numbers[11]
    assert set(np.bincount(numbers)) <= {4, 5, 6}
    assert np.array_equal(numbers, fold_numbers(images, seed=0))
    assert not np.array_equal(numbers, fold_numbers(images, seed=1))
    with pytest.raises(DataError, match="too few to cross-fit"):
        fold_numbers(images[[1, 1, 2]], seed=0)


def test_labelled_anomalies_are_scored_by_detectors_of_folds_too() -> None:
    labels = np.array([0, 1] * 15)
    images = LabeledImages(parts(30), labels, ("bad", "good"))
    split = make_split(Source("parts", images, None), replace_data(), ("good",))

    cell = train_cell(of("pca"), split.development, split.test, "good", seed=0)

    assert cell.validation is not None
    assert cell.validation.anomalous.sum() == split.development.validation.counts()["bad"] > 0
    assert len(cell.normal_scores) == 15


def replace_data() -> DataConfig:
    return CROSSED.model_copy(update={"cut": "by-use"})


def test_a_card_names_the_test_images_that_were_lent_to_validation(tmp_path: Path) -> None:
    names, labels = ("crack", "good"), np.array([0, 1] * 6)
    train = LabeledImages(parts(20), np.ones(20, np.int64), names)
    test = LabeledImages(parts(12, seed=5), labels, names)
    data = DataConfig(source="parts", validation="from-test", calibration="cross-fit")
    configuration = of("pca").model_copy(update={"data": data})
    split = make_split(Source("parts", train, test), data)

    cell = train_cell(configuration, split.development, split.test, "good", seed=0)
    write_bundle(tmp_path / "bundle", configuration, split, [cell])

    assert len(cell.test_scores) == 9
    assert cell.validation is not None
    assert cell.validation.anomalous.sum() == 3
    assert (
        "lent to validation (data.validation: from-test, seed 0): 3 of 6 crack"
        in (tmp_path / "bundle" / "card.md").read_text()
    )


def test_peaks_of_maps_by_fold_detectors_flag_few_new_normals() -> None:
    configuration = of("pca", components=4)
    split = with_made_anomalies(split_of(100), ["good"], 0)

    cell = train_cell(configuration, split.development, split.test, "good", seed=0)
    assert cell.normal_peaks is not None
    in_sample = residual_peaks(cell.weights, configuration, split.development.train.images)

    new = residual_peaks(cell.weights, configuration, parts(1000, seed=5))
    at = Calibration(
        normal_scores=(1.0,), normal_peaks=tuple(cell.normal_peaks), false_alarm_rate=0.1
    )
    naive = Calibration(normal_scores=(1.0,), normal_peaks=tuple(in_sample), false_alarm_rate=0.1)
    assert at.pixel_threshold is not None
    assert naive.pixel_threshold is not None
    assert 0.05 < (new > at.pixel_threshold).mean() < 0.16
    assert at.pixel_threshold > naive.pixel_threshold

    # And their mark is what 99 % of the pixels of new normals are below.
    assert cell.normal_mark is not None
    maps = residual_maps(cell.weights, configuration, parts(1000, seed=5))
    seen = residual_maps(cell.weights, configuration, split.development.train.images)
    assert (maps < cell.normal_mark).mean() == pytest.approx(0.99, abs=0.004)
    assert (maps < np.quantile(seen, 0.99)).mean() < 0.987


def residual_peaks(weights: Any, configuration: Configuration, images: Any) -> Any:
    """The highest value of each image's map by the final detector, (N,)."""
    return residual_maps(weights, configuration, images).max(axis=(1, 2))


def residual_maps(weights: Any, configuration: Configuration, images: Any) -> Any:
    """By the final detector, (N, H, W)."""
    detector = build_detector(
        configuration.detector,
        configuration.parameters,
        image_shape=(1, 8, 8),
        seed=0,
        device=torch.device("cpu"),
    )
    detector.load_weights(weights)
    maps = pixel_scores(detector, configuration.parameters, images)
    assert maps is not None
    return maps
