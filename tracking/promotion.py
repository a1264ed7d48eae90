"""Whether a version of a registered model takes the alias `champion` from another: pure."""

from __future__ import annotations

from collections.abc import Mapping

from memgan.config import Frozen
from tracking import names

_SAME = {
    names.DATASET: "images",
    names.SPLIT_HASH: "split",
    names.NORMAL_CLASSES: "normal classes",
}


class Promotion(Frozen):
    """Whether the alias moves, and why, as the end of a sentence."""

    moves: bool
    reason: str


def judge(tags: Mapping[str, str], champion: Mapping[str, str] | None, *, force: bool) -> Promotion:
    """Hold a version's tags against the champion's, None where there is no champion.

    Validation AUROC decides, and only where both were judged on the same.
    """
    if champion is None:
        return Promotion(moves=True, reason="there was no champion")
    if force:
        return Promotion(moves=True, reason="--force was given")
    for tag, what in _SAME.items():
        if tags.get(tag) != champion.get(tag):
            return Promotion(moves=False, reason=f"the champion was judged on other {what}")
    new, old = _auroc(tags), _auroc(champion)
    if new is None or old is None:
        return Promotion(moves=False, reason="a validation AUROC is not known of both")
    better = new > old
    return Promotion(
        moves=better,
        reason=f"validation AUROC {100 * new:.2f} is {'' if better else 'not '}above the"
        f" champion's {100 * old:.2f}",
    )


def _auroc(tags: Mapping[str, str]) -> float | None:
    try:
        return float(tags[names.VAL_AUROC])
    except (KeyError, ValueError):
        return None
