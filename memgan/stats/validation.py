"""What the scores of validation images say of a detector: one figure, and where it comes from.

Of labelled images the figure is AUROC. Of made anomalies it is the mean over their kinds of AUROC,
less at most a millionth, by which a wider margin between the scores decides where AUROC ties, as
it does when every kind is told without a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memgan.data import Development, Flags, Scores
from memgan.stats.auroc_noise import Influence, influence
from memgan.stats.metrics import auroc

TIE_BREAK = 1e-6
"""The most that a margin may add up to."""


@dataclass(frozen=True, eq=False)
class Validated:
    """One detector on its validation images."""

    figure: float
    """0 to 1, what trials are ranked by."""
    kinds: dict[str, float]
    """AUROC by kind of made anomaly; empty for labelled images."""
    scores: Scores
    """In the order of `Development.validation_of`."""


def judge(scores: Scores, anomalous: Flags, kinds: Sequence[str]) -> Validated:
    """scores, anomalous: of `Development.validation_of`; kinds: of its anomalies, none where they
    are labelled."""
    if not kinds:
        return Validated(auroc(scores, anomalous), {}, scores)
    normals, *made = np.split(scores, 1 + len(kinds))
    by_kind = {
        kind: auroc(*_beside(normals, of_kind)) for kind, of_kind in zip(kinds, made, strict=True)
    }
    margins = [margin(normals, of_kind) for of_kind in made]
    short = TIE_BREAK * (1 - float(np.mean(margins)))
    return Validated(float(np.mean(list(by_kind.values()))) - short, by_kind, scores)


def margin(normals: Scores, anomalies: Scores) -> float:
    """How far most anomalies lie above most normals, 0 to 1 and never quite there, however far.

    From the highest tenth of the normals to the lowest tenth of the anomalies, in standard
    deviations of the normals; one half where they touch.
    """
    gap = float(np.quantile(anomalies, 0.1) - np.quantile(normals, 0.9))
    size = abs(gap) + float(normals.std())
    return 0.5 * (1 + gap / size) if size > 0 else 0.5


def mean_influence(development: Development, scores: Mapping[str, Scores]) -> Influence | None:
    """What each validation image adds to the error of the mean figure of several classes, float64
    (len(development.validation),); made anomalies count as the image they were made of.

    scores: by class, as in `Validated`. None where an AUROC has fewer than two images of a kind.
    """
    found = np.zeros(len(development.validation))
    for name, of_class in scores.items():
        kinds = development.made_kinds(name)
        anomalous = development.validation.anomalous(name)
        if min(anomalous.sum() if not kinds else 2, (~anomalous).sum()) < 2:
            return None
        if not kinds:
            found += influence(of_class, anomalous) / len(scores)
            continue
        normals, *made = np.split(of_class, 1 + len(kinds))
        for of_kind in made:
            of_pair = influence(*_beside(normals, of_kind))
            by_source = np.add(*np.split(of_pair, 2))
            found[~anomalous] += by_source / (len(kinds) * len(scores))
    return found


def _beside(normals: Scores, made: Scores) -> tuple[Scores, Flags]:
    scores = np.concatenate([normals, made])
    return scores, np.arange(len(scores)) >= len(normals)
