"""How sure a difference of two detectors is: resampled classes, seeds and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from memgan.errors import BadInput
from memgan.stats.auroc_noise import influence
from memgan.stats.image_scores import BySeed, ImageScores

_RESAMPLES = 10_000
_LEVEL = 0.95

AurocBySeed = Mapping[str, Mapping[int, float]]
"""AUROC, 0 to 1, by normal class and then by seed."""
Verdict = Literal["a difference", "no difference shown", "too little data to say"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Mean AUROC of one less that of another, over the classes both have, with its interval."""

    classes: tuple[str, ...]
    mean: float
    low: float
    high: float
    """The interval holds the middle 95 % of the resampled differences."""
    images: bool = False
    """Whether images were resampled, too."""

    @property
    def verdict(self) -> Verdict:
        """An interval that leaves out zero shows a difference, if it knows of the draw of images;
        one in which nothing varied shows nothing."""
        if self.low == self.high and not (self.images and self.mean == 0):
            return "too little data to say"
        if self.low <= 0 <= self.high:
            return "no difference shown"
        return "a difference" if self.images else "too little data to say"

    @property
    def significant(self) -> bool:
        """Whether one of the two is better."""
        return self.verdict == "a difference"


# Two figures with the scores of each, and how to resample; only the figures must be given.
def paired_difference(
    first: AurocBySeed,
    second: AurocBySeed,
    *,
    first_scores: BySeed | None = None,
    second_scores: BySeed | None = None,
    same_images: bool = True,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The mean difference first − second over the classes that both have, AUROC 0 to 1.

    A resample draws classes with replacement, the same ones for both, and for each class drawn
    seeds with replacement: the same ones for both where both have exactly these seeds, else of
    each its own. Where the scores of both are known image by image, it also draws the error that
    the draw of images makes, from the normal distribution with DeLong's covariance: of the
    difference on each image where both scored the same images (`same_images`), else of each on its
    own. The interval is the percentile interval. With few classes or seeds it is, as every
    bootstrap's, a little too narrow; with a single seed it knows nothing of the spread between
    seeds. The same arguments give the same interval. BadInput where no class is common.
    """
    classes = tuple(name for name in first if name in second)
    if not classes:
        raise BadInput("the two have no normal class in common, so nothing can be compared")
    random = np.random.default_rng(seed)
    draws = (len(classes), resamples)
    gaps = np.stack([_resampled(first[name], second[name], draws, random) for name in classes])
    drawn = random.integers(len(classes), size=draws)
    chosen = np.take_along_axis(gaps, drawn[None], axis=0)[0]
    of_first = _influences(first, first_scores, classes)
    of_second = _influences(second, second_scores, classes)
    images = of_first is not None and of_second is not None
    if of_first is not None and of_second is not None:
        covariance = _covariance(of_first, of_second, same_images)
        noise = random.multivariate_normal(
            np.zeros(len(classes)), covariance, size=resamples, method="eigh"
        ).T
        chosen = chosen + np.take_along_axis(noise, drawn, axis=0)
    low, high = np.quantile(chosen.mean(axis=0), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    mean = np.mean([_mean(first[name]) - _mean(second[name]) for name in classes])
    return Difference(classes, float(mean), float(low), float(high), images)


def _influences(
    auroc: AurocBySeed, scores: BySeed | None, classes: Sequence[str]
) -> list[ImageScores] | None:
    """By class what each image adds to the error of its mean AUROC over seeds, in the place of
    scores. None where the scores of a figure are not known, or an image of each kind is all."""
    found = []
    for name in classes:
        of_class = (scores or {}).get(name, {})
        if not set(auroc[name]) <= set(of_class):
            return None
        mine = [of_class[seed] for seed in auroc[name]]
        flags = mine[0].anomalous
        if any(not np.array_equal(one.anomalous, flags) for one in mine):
            return None
        if min(flags.sum(), (~flags).sum()) < 2:
            return None
        mean = np.mean([influence(one.scores, one.anomalous) for one in mine], axis=0)
        found.append(ImageScores(mean, flags))
    return found


def _covariance(
    first: Sequence[ImageScores], second: Sequence[ImageScores], same_images: bool
) -> Floats:
    """DeLong's covariance (C, C) of the classes' differences."""
    paired = same_images and all(
        np.array_equal(one.anomalous, other.anomalous)
        for one, other in zip(first, second, strict=True)
    )
    if not paired:
        return _of_side(first) + _of_side(second)
    gaps = [
        ImageScores(one.scores - other.scores, one.anomalous)
        for one, other in zip(first, second, strict=True)
    ]
    return _of_side(gaps)


def _of_side(by_class: Sequence[ImageScores]) -> Floats:
    """Classes that share their images, each image normal for one of them at most, vary together;
    classes with images of their own do not."""
    lengths = {len(one.scores) for one in by_class}
    shared = len(lengths) == 1 and bool(
        (np.sum([~one.anomalous for one in by_class], axis=0) <= 1).all()
    )
    if shared:
        stacked = np.stack([one.scores for one in by_class])
        together: Floats = stacked @ stacked.T
        return together
    return np.diag([float(np.square(one.scores).sum()) for one in by_class])


def _resampled(
    first: Mapping[int, float],
    second: Mapping[int, float],
    draws: tuple[int, int],
    random: np.random.Generator,
) -> Floats:
    """One class's difference under newly drawn seeds, one for each of `draws`."""
    if set(first) == set(second):
        gaps = np.array([first[seed] - second[seed] for seed in first])
        return _means_of_draws(gaps, draws, random)
    of_each = (np.array(list(figures.values())) for figures in (first, second))
    one, other = (_means_of_draws(figures, draws, random) for figures in of_each)
    return one - other


def _means_of_draws(values: Floats, draws: tuple[int, int], random: np.random.Generator) -> Floats:
    picked = values[random.integers(len(values), size=(*draws, len(values)))]
    means: Floats = picked.mean(axis=-1)
    return means


def _mean(by_seed: Mapping[int, float]) -> float:
    return float(np.mean(list(by_seed.values())))
