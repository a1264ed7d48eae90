"""How sure the choice of a winner is: whether other trials tie with it within the noise of the
validation set, and whether the study's own simple detectors are ahead of it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ConfigDict

from memgan.config import Frozen
from memgan.data import Development
from memgan.stats import (
    TIE_BREAK,
    Influence,
    judges_of_trials,
    mean_of_known,
    paired_standard_error,
    standard_error,
    unpaired_standard_error,
)
from search.finals.baselines import Anchor
from search.finals.finals import Winner
from search.journal import TrialOutcome
from search.results import Storage
from search.trials import INFLUENCE_FILE, stored

ANCHOR_TITLES = {"pca": "PCA", "neighbours": "nearest neighbours"}
_SURE = 1.96
"""Standard errors beyond which a difference is no chance, 19 times of 20."""


class Caution(Frozen):
    """What is to be said of the choice of one group of classes, and the figures that it tells."""

    # A report of another version may hold more, which stays in it.
    model_config = ConfigDict(frozen=True, extra="allow")

    group: str
    kind: str = ""
    """tie: other trials are as good within the noise; behind: a simple detector is better."""
    line: str
    """The whole of it for a reader."""
    trials: tuple[str, ...] = ()
    """Those that tie with the winner."""
    anchor: str | None = None
    """The simple detector that is ahead."""
    difference: float | None = None
    """AUROC, 0 to 1."""
    standard_error: float | None = None
    """The standard error of the difference."""
    paired: bool | None = None
    """Whether the error is by both trials' scores of the same images."""


def cautions(
    winner: Winner,
    outcomes: Sequence[TrialOutcome],
    influences: Mapping[str, Influence],
    anchors: Mapping[str, Anchor],
    development: Development,
) -> list[Caution]:
    """What is to be said of the choice in one group of classes; nothing where it is clear.

    influences: by trial, of those that have one; trials without are compared by the largest error
    among those with, else only by numbers of images. anchors: by name.
    """
    found = (
        _tie(winner, outcomes, influences, development),
        _behind(winner, anchors, development),
    )
    return [each for each in found if each is not None]


def stored_influences(
    outcomes: Sequence[TrialOutcome], checkpoints: Storage
) -> dict[str, Influence]:
    """By trial, of those whose checkpoint is kept and has one."""
    found: dict[str, Influence] = {}
    for outcome in outcomes:
        if outcome.checkpoint is None:
            continue
        try:
            content = stored(checkpoints, outcome.checkpoint).read(INFLUENCE_FILE)
            found[outcome.trial_id] = np.load(io.BytesIO(content), allow_pickle=False)
        except (OSError, ValueError):
            continue
    return found


@dataclass(frozen=True)
class _Difference:
    """By how much the winner is ahead of another trial, AUROC 0 to 1."""

    trial_id: str
    ahead: float
    standard_error: float
    paired: bool
    """Whether the error is by both trials' scores of the same images."""

    @property
    def is_a_tie(self) -> bool:
        """Whether chance may have made it."""
        return self.ahead <= max(_SURE * self.standard_error, TIE_BREAK)


def _differences(
    winner: Winner,
    others: Sequence[TrialOutcome],
    influences: Mapping[str, Influence],
    development: Development,
) -> Iterator[_Difference]:
    """The winner's lead over each of the others, in their order."""
    won = winner.outcome
    ours = influences.get(won.trial_id)
    largest = 0.0
    for other in others:
        ahead = (won.mean or 0.0) - (other.mean or 0.0)
        theirs = influences.get(other.trial_id)
        if ours is not None and theirs is not None and ours.shape == theirs.shape:
            error = paired_standard_error(ours, theirs)
            largest = max(largest, error)
            yield _Difference(other.trial_id, ahead, error, paired=True)
        else:
            error = largest or unpaired_standard_error(
                _error(won.val_auroc, winner, development),
                _error(other.val_auroc, winner, development),
            )
            yield _Difference(other.trial_id, ahead, error, paired=False)


def _tie(
    winner: Winner,
    outcomes: Sequence[TrialOutcome],
    influences: Mapping[str, Influence],
    development: Development,
) -> Caution | None:
    won = winner.outcome
    full = [o for o in outcomes if o.may_win]
    others = sorted(
        (o for o in full if o.trial_id != won.trial_id), key=lambda o: (-(o.mean or 0), o.trial_id)
    )
    differences = _differences(winner, others, influences, development)
    tied = list(itertools.takewhile(lambda difference: difference.is_a_tie, differences))
    if not tied:
        return None
    nearest = tied[0]
    line = (
        f"{len(tied)} of {len(others)} other finished trials cannot be distinguished from the"
        f" winner by these validation images: trial {nearest.trial_id} "
    )
    if 100 * nearest.ahead < 0.005:
        line += "has the same figure"
    else:
        how = "on the same images" if nearest.paired else "by the number of images"
        line += (
            f"is {100 * nearest.ahead:.2f} points behind, and the difference has a standard error"
            f" of {100 * nearest.standard_error:.2f} ({how})"
        )
    if won.made_auroc and all(of["mean"] == 1 for of in won.made_auroc.values()):
        line += "; the winner recognises every made anomaly, so margins between scores decided"
    return Caution(
        group=winner.group.name,
        kind="tie",
        line=f"{line}; more validation images could distinguish them, more trials cannot",
        trials=tuple(difference.trial_id for difference in tied),
        difference=nearest.ahead,
        standard_error=nearest.standard_error,
        paired=nearest.paired,
    )


def _behind(
    winner: Winner, anchors: Mapping[str, Anchor], development: Development
) -> Caution | None:
    ours = winner.outcome.mean
    best: tuple[float, str, dict[str, float]] | None = None
    for name, anchor in anchors.items():
        known = {c: anchor.classes[c].val_auroc for c in winner.group.classes}
        figures = {c: figure for c, figure in known.items() if figure is not None}
        mean = mean_of_known(figures.values())
        if mean is None or len(figures) < len(known):
            continue
        if best is None or mean > best[0]:
            best = mean, name, figures
    if ours is None or best is None or best[0] - ours <= TIE_BREAK:
        return None
    mean, name, figures = best
    error = unpaired_standard_error(
        _error(winner.outcome.val_auroc, winner, development), _error(figures, winner, development)
    )
    return Caution(
        group=winner.group.name,
        kind="behind",
        line=f"the winner is behind a simple detector on the same validation images:"
        f" {ANCHOR_TITLES.get(name, name)} has {100 * mean:.2f}, the winner {100 * ours:.2f}, and"
        f" the difference a standard error of at most {100 * error:.2f}; take that one"
        f" (--detector {name}), or search more widely",
        anchor=name,
        difference=mean - ours,
        standard_error=error,
        paired=False,
    )


def _error(figures: Mapping[str, float], winner: Winner, development: Development) -> float:
    """The standard error of a mean over the group's classes, from only the numbers of images."""
    errors = []
    for name in winner.group.classes:
        judges = judges_of_trials(development, name)
        anomalies = min(judges.anomalies, judges.normals) if judges.made else judges.anomalies
        errors.append(standard_error(figures.get(name, 0.5), judges.normals, anomalies))
    return unpaired_standard_error(*errors) / len(errors)
