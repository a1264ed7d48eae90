"""Whether a version of a registered model takes the alias `champion` from another: pure.

The rule is that of `memgan compare`, on validation images in place of test images, as a champion is
chosen and test images choose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from memgan.config import Frozen
from memgan.stats import Difference
from tracking import names

_SAME = {
    names.DATASET: "images",
    names.SPLIT_HASH: "split",
    names.NORMAL_CLASSES: "normal classes",
    names.OBJECTIVE: "objective",
}


class Promotion(Frozen):
    """Whether the alias moves, and why, as the end of a sentence."""

    moves: bool
    reason: str


def judge(
    tags: Mapping[str, str],
    champion: Mapping[str, str] | None,
    difference: Callable[[], Difference | None],
    *,
    force: bool,
) -> Promotion:
    """Hold a version's tags against the champion's, None where there is no champion.

    Only like is held against like: the same images, split, classes and objective. difference: of
    the version's finals less the champion's on validation images, None where it is not known;
    asked for only where it decides.
    """
    if champion is None:
        return Promotion(moves=True, reason="there was no champion")
    if force:
        return Promotion(moves=True, reason="--force was given")
    for tag, what in _SAME.items():
        if tags.get(tag) != champion.get(tag):
            mine, its = (one.get(tag, "not recorded")[:80] for one in (tags, champion))
            return Promotion(
                moves=False,
                reason=f"the champion was judged on other {what} ({its}, and this version {mine}),"
                " so the two are not compared; --force moves it",
            )
    found = difference()
    if found is None:
        return Promotion(
            moves=False,
            reason="scores of the validation images are not recorded of both, so no difference"
            " can be shown; --force moves it",
        )
    return Promotion(
        moves=found.significant and found.mean > 0,
        reason=f"on the validation images it has {100 * found.mean:+.2f} points, 95 % interval"
        f" {100 * found.low:+.2f} to {100 * found.high:+.2f}: {found.verdict}",
    )
