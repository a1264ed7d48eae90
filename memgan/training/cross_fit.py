"""Calibration by cross-fitting: every normal image trains, and every one is scored by a detector
that did not train on it.

The images of the normal class are cut into folds. For each fold a detector is trained on all
others and scores the fold. The final detector is trained on all images, and the scores of all
folds together calibrate it: cross-conformal calibration by pooled folds, "CV" of Barber et al.
(arXiv 1905.02928), without the fold detectors that their CV+ keeps. CV+ has a guarantee; this has
none, and its false-alarm rate is near the nominal one as far as leaving out a fold changes
detectors little.

Trainings differ in the scale of their scores. So each detector's scores are brought to the mean
and spread of its own training images, and from there to the final detector's; both are found by
the same rule for all, which leaves the images exchangeable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from memgan.analysis import pixel_scores
from memgan.config import Configuration, DetectorParameters
from memgan.data import Development, LabeledImages, Pixels, Scores, fold_numbers
from memgan.detectors import Detector
from memgan.errors import TrainingDiverged
from memgan.stats import ImageScores, judge
from memgan.training.lockstep import Training

_FLAT = 1e-6
"""A spread below this share of the mean has no scale to bring anything to."""
_MAPPED_AT_ONCE = 64
"""Images whose maps are in memory together."""
_MOST_PIXELS = 4096
"""Of each map, evenly spaced, which stand for all of it."""
_MARK = 0.99


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Scores of images by detectors that did not train on them, on the final detector's scale."""

    folds: int
    normal_scores: Scores
    """Of all images of the normal class, ascending."""
    validation: ImageScores | None
    """In the order of `Development.validation_of`; None without anomalies there."""
    val_auroc: float | None
    normal_peaks: Scores | None = None
    """The highest value of each normal image's map, ascending; None without maps, and where there
    is one detector, whose maps of held-out images anybody can make again."""
    normal_mark: float | None = None
    """What 99 % of the pixels of these maps stay below; None likewise."""


def on_all(development: Development, normal_class: str) -> Development:
    """The same with all images of the class to train on, those held out included."""
    return _trained_on(development, normal_class, _pool(development, normal_class))


def out_of_fold(
    configuration: Configuration,
    development: Development,
    normal_class: str,
    seed: int,
    final: Detector,
) -> OutOfFold:
    """Train a detector for each fold and score what it left out. Raises TrainingDiverged.

    final: the detector that was trained on all images of the class.
    """
    pool = _pool(development, normal_class)
    number_of = fold_numbers(pool, configuration.data.split_seed)
    images, folds_of_images, anomalous = _validated(development, normal_class, number_of)
    scores, validated = np.zeros(len(pool)), np.zeros(len(images))
    scale_of_final = _scale(final.score(pool))
    folds = int(number_of.max()) + 1
    parameters = configuration.parameters_for(normal_class)
    of_final = _mapped(final, parameters, pool)
    left_out = [np.zeros_like(each) for each in of_final]
    for fold in range(folds):
        kept = pool[number_of != fold]
        detector = _trained(configuration, _trained_on(development, normal_class, kept), seed)
        scale = _scale(detector.score(kept))
        for found, of, at in ((scores, pool, number_of), (validated, images, folds_of_images)):
            here = np.flatnonzero(at == fold)
            if len(here):
                found[here] = _rescaled(detector.score(of[here]), scale, scale_of_final)
        left, own = number_of == fold, _mapped(detector, parameters, pool) if of_final else []
        for all_left, of_own, aim in zip(left_out, own, of_final, strict=True):
            all_left[left] = _rescaled(of_own[left], _scale(of_own[~left]), _scale(aim))
    if not (np.isfinite(scores).all() and np.isfinite(validated).all()):
        raise TrainingDiverged(
            f"scores of class {normal_class} (seed {seed}) in a fold are not finite; lower the"
            " learning rate"
        )
    judged = (
        judge(validated, anomalous, development.made_kinds(normal_class)) if len(images) else None
    )
    peaks, pixels = left_out or (None, None)
    return OutOfFold(
        folds=folds,
        normal_scores=np.sort(scores),
        validation=None if judged is None else ImageScores(validated, anomalous),
        val_auroc=None if judged is None else judged.figure,
        normal_peaks=None if peaks is None else np.sort(peaks),
        normal_mark=None if pixels is None else float(np.quantile(pixels, _MARK)),
    )


def _pool(development: Development, normal_class: str) -> Pixels:
    return np.concatenate(
        [development.train.of_class(normal_class), development.validation.of_class(normal_class)]
    )


def _trained_on(development: Development, normal_class: str, images: Pixels) -> Development:
    names = development.train.class_names
    labels = np.full(len(images), names.index(normal_class), dtype=np.int64)
    return replace(development, train=LabeledImages(images, labels, names))


def _trained(configuration: Configuration, development: Development, seed: int) -> Detector:
    names, labels = development.train.class_names, development.train.labels
    name = names[int(labels[0])]
    training = Training(configuration, development, classes=[name], seed=seed)
    while not training.finished:
        training.advance(validate=False)
    training.prepare_to_score()
    return training.detectors[name]


def _validated(
    development: Development, normal_class: str, number_of: npt.NDArray[np.int64]
) -> tuple[Pixels, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The validation images, their folds, and which are anomalies; an anomaly that was made from a
    normal image is of that one's fold."""
    if not development.can_validate(normal_class):
        none = development.validation.images[:0]
        return none, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    images, anomalous = development.validation_of(normal_class)
    of_normals = number_of[len(number_of) - int((~anomalous).sum()) :]
    if kinds := development.made_kinds(normal_class):
        return images, np.tile(of_normals, 1 + len(kinds)), anomalous
    folds = np.zeros(len(images), dtype=np.int64)
    folds[~anomalous] = of_normals
    folds[anomalous] = np.arange(int(anomalous.sum())) % (int(number_of.max()) + 1)
    return images, folds, anomalous


def _mapped(detector: Detector, parameters: DetectorParameters, images: Pixels) -> list[Scores]:
    """The highest value of each image's map, (N,), and some of its pixels, (N, k); neither of a
    detector without maps."""
    peaks, pixels = [], []
    for start in range(0, len(images), _MAPPED_AT_ONCE):
        maps = pixel_scores(detector, parameters, images[start : start + _MAPPED_AT_ONCE])
        if maps is None:
            return []
        flat = maps.reshape(len(maps), -1).astype(np.float64)
        peaks.append(flat.max(axis=1))
        pixels.append(flat[:, :: math.ceil(flat.shape[1] / _MOST_PIXELS)])
    return [np.concatenate(peaks), np.concatenate(pixels)]


def _scale(scores: Scores) -> tuple[float, float]:
    return float(scores.mean()), float(scores.std())


def _rescaled(scores: Scores, own: tuple[float, float], final: tuple[float, float]) -> Scores:
    if any(spread <= _FLAT * max(abs(mean), _FLAT) for mean, spread in (own, final)):
        return scores  # Training images all score alike, as of a detector that remembers them.
    return final[0] + final[1] * (scores - own[0]) / own[1]
