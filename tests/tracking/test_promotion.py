from __future__ import annotations

import pytest

from tracking import names
from tracking.promotion import judge

CHAMPION = {
    names.DATASET: "digits",
    names.SPLIT_HASH: "abc",
    names.NORMAL_CLASSES: '["0", "1"]',
    names.VAL_AUROC: "0.95",
}


def test_the_first_version_is_champion() -> None:
    assert judge({}, None, force=False).moves


@pytest.mark.parametrize(("auroc", "moves"), [("0.951", True), ("0.95", False), ("0.949", False)])
def test_better_by_validation_is_promoted_and_equal_is_not(auroc: str, moves: bool) -> None:
    promotion = judge({**CHAMPION, names.VAL_AUROC: auroc}, CHAMPION, force=False)

    assert promotion.moves is moves
    assert "the champion's 95.00" in promotion.reason
    assert judge({**CHAMPION, names.VAL_AUROC: auroc}, CHAMPION, force=True).moves


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (names.DATASET, "other images"),
        (names.SPLIT_HASH, "other split"),
        (names.NORMAL_CLASSES, "other normal classes"),
    ],
)
def test_what_was_judged_on_something_else_is_not_compared(tag: str, reason: str) -> None:
    tags = {**CHAMPION, names.VAL_AUROC: "0.99", tag: "another"}

    promotion = judge(tags, CHAMPION, force=False)

    assert not promotion.moves
    assert promotion.reason == f"the champion was judged on {reason}"
    assert judge(tags, CHAMPION, force=True).moves


@pytest.mark.parametrize("auroc", [None, "", "good", "nan"])
def test_an_auroc_that_is_not_known_promotes_nothing(auroc: str | None) -> None:
    unknown = {key: value for key, value in CHAMPION.items() if key != names.VAL_AUROC}
    if auroc is not None:
        unknown[names.VAL_AUROC] = auroc

    assert not judge(CHAMPION, unknown, force=False).moves
    assert not judge(unknown, CHAMPION, force=False).moves
