"""How far an AUROC may be off because so few images were there to measure it.

All standard errors are of AUROC from 0 to 1 and speak only of the draw of the images, not of the
seed of a training.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from memgan.data import Flags

if TYPE_CHECKING:  # `memgan data check` needs no torch.
    from memgan.data import Scores

Influence = npt.NDArray[np.float64]


def standard_error(auroc: float, normals: int, anomalies: int) -> float:
    """The standard error of an AUROC from only its value and its numbers of images (Hanley and
    McNeil, 1982).

    auroc: 0 to 1; one at either end is taken as one pair from it, as an error of nought would
    claim more than so many images can show. ValueError unless there is an image of each kind.
    """
    if normals < 1 or anomalies < 1:
        raise ValueError("normals and anomalies are both needed to compare their scores")
    least = 1 / (2 * normals * anomalies)
    value = min(max(auroc, least), 1 - least)
    two_anomalies, two_normals = value / (2 - value), 2 * value**2 / (1 + value)
    variance = (
        value * (1 - value)
        + (anomalies - 1) * (two_anomalies - value**2)
        + (normals - 1) * (two_normals - value**2)
    ) / (normals * anomalies)
    return math.sqrt(max(variance, 0.0))


def influence(scores: Scores, anomalous: Flags) -> Influence:
    """What each image adds to the error of the AUROC of these scores, float64 (N,).

    The sum of their squares is DeLong's variance of the AUROC. Influences of two detectors on the
    same images may be subtracted, those of several AUROCs averaged, and those of images that
    depend on each other added, before the squares are summed: that pairs, and counts what depends
    on each other once. ValueError unless there are two images of each kind.
    """
    normals, anomalies = np.sort(scores[~anomalous]), np.sort(scores[anomalous])
    if min(len(normals), len(anomalies)) < 2:
        raise ValueError("two normals and two anomalies are needed to tell their spread")
    found = np.empty(len(scores))
    found[anomalous] = _centred(_share_below(scores[anomalous], normals))
    found[~anomalous] = _centred(1 - _share_below(scores[~anomalous], anomalies))
    return found


def paired_standard_error(ours: Influence, theirs: Influence) -> float:
    """The standard error of the difference of two figures measured on the same images, from their
    influences by image, (N,) each."""
    return float(np.sqrt(np.square(ours - theirs).sum()))


def unpaired_standard_error(*errors: float) -> float:
    """The standard error of a sum or difference of figures that nothing ties together."""
    return math.hypot(*errors)


def _share_below(scores: Scores, of: Scores) -> npt.NDArray[np.float64]:
    """For each score the share of the sorted `of` that lies below it, ties counted half."""
    below = np.searchsorted(of, scores, "left") + np.searchsorted(of, scores, "right")
    return below / (2 * len(of))


def _centred(placements: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    count = len(placements)
    centred: npt.NDArray[np.float64] = (placements - placements.mean()) / math.sqrt(
        count * (count - 1)
    )
    return centred
