"""The champion moves only for a difference that `compare` would call one, and only among likes."""

from __future__ import annotations

import pytest

from memgan.stats.bootstrap import Difference
from tracking import names
from tracking.registry.promotion import judge

CHAMPION = {
    names.DATASET: "digits",
    names.SPLIT_HASH: "abc",
    names.NORMAL_CLASSES: '["0", "1"]',
    names.OBJECTIVE: "val-auroc",
    names.VAL_AUROC: "0.95",
}
BETTER = Difference(("0", "1"), 0.05, 0.01, 0.09, images=True)


def never() -> Difference | None:
    raise AssertionError("nobody had to know the difference")


def test_the_first_version_is_champion() -> None:
    assert judge({}, None, never, force=False).moves


@pytest.mark.parametrize(
    ("difference", "moves", "told"),
    [
        (BETTER, True, r"+5.00 points, 95 % interval +1.00 to +9.00: a difference"),
        (Difference(("0",), 0.0006, -0.02, 0.03, images=True), False, "no difference shown"),
        (Difference(("0",), -0.05, -0.09, -0.01, images=True), False, "a difference"),
        (Difference(("0",), 0.3244, 0.3244, 0.3244), False, "too little data to say"),
        (None, False, "not recorded of both"),
    ],
)
def test_only_a_real_difference_on_validation_moves_it(
    difference: Difference | None, moves: bool, told: str
) -> None:
    promotion = judge(CHAMPION, CHAMPION, lambda: difference, force=False)

    assert promotion.moves is moves
    assert told in promotion.reason
    assert judge(CHAMPION, CHAMPION, never, force=True).moves


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (names.DATASET, "other images (digits, and this version another)"),
        (names.SPLIT_HASH, "other split"),
        (names.NORMAL_CLASSES, "other normal classes"),
        (names.OBJECTIVE, "other objective (val-auroc, and this version another)"),
    ],
)
def test_what_was_judged_on_something_else_is_not_compared(tag: str, reason: str) -> None:
    tags = {**CHAMPION, tag: "another"}

    promotion = judge(tags, CHAMPION, never, force=False)

    assert not promotion.moves
    assert promotion.reason.startswith(f"the champion was judged on {reason}")
    assert judge(tags, CHAMPION, never, force=True).moves


def test_a_champion_of_an_unknown_objective_is_not_compared() -> None:
    older = {key: value for key, value in CHAMPION.items() if key != names.OBJECTIVE}

    promotion = judge(CHAMPION, older, never, force=False)

    assert not promotion.moves
    assert "objective (not recorded, and this version val-auroc)" in promotion.reason
