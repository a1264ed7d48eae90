"""Errors: an exit code and the nearest name."""

from __future__ import annotations

import inspect

from memgan import errors
from memgan.errors import BadInput, MemganError, TrainingDiverged, nearest, unknown_name


def test_what_the_user_can_change_exits_with_2_and_all_else_with_1() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, MemganError)
    ]

    assert {kind.exit_code for kind in kinds if issubclass(kind, BadInput)} == {2}
    assert {kind.exit_code for kind in kinds if not issubclass(kind, BadInput)} == {1}
    assert TrainingDiverged.exit_code == 1
    assert all(kind.__doc__ for kind in kinds)


def test_the_nearest_name_is_told_only_where_one_is_near() -> None:
    known = ["digits", "mnist", "cifar10"]

    assert nearest("minst", known) == "mnist"
    assert nearest("imagenet-21k", known) is None
    assert str(unknown_name("source", "minst", known)) == (
        "unknown source 'minst'; did you mean 'mnist'? known: digits, mnist, cifar10"
    )
    assert "did you mean" not in str(unknown_name("source", "zzz", known))
