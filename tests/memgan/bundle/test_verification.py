"""Figures trained again: equal to those recorded, or by how much not, and what else differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memgan.bundle.trained_configuration import Trained
from memgan.bundle.verification import compare_with_origin
from memgan.config.configuration import Configuration, Origin, Runtime
from memgan.data import Split
from memgan.errors import BadInput
from memgan.machine.runtime import machine, versions
from memgan.training.cells import Cell

Tiny = Callable[..., Configuration]


def recorded(
    tiny: Tiny, digits: Split, cells: dict[str, list[Cell]], figures: dict[str, dict[str, float]]
) -> tuple[Trained, Configuration]:
    """What was trained by a file that records `figures`, and the file."""
    origin = Origin(
        study="s",
        study_id="1",
        protocol="shared",
        split_hash=digits.hash,
        trials={},
        test_auroc=figures,
        versions={**versions(), "torch": "0.1"},
        machine=machine(),
    )
    file = tiny(origin=origin)
    return Trained(file, digits, cells, Path("out")), file


def test_equal_figures_are_verified(
    tiny: Tiny, digits: Split, cells: dict[str, list[Cell]]
) -> None:
    same = {"0": {"0": 0.8, "1": 0.6}, "1": {"1": 0.8}, "7": {"0": 0.1}}

    comparison = compare_with_origin(*recorded(tiny, digits, cells, same))

    assert comparison.equal
    assert "3 recorded figures are the same" in comparison.lines()[0]
    assert comparison.differing == (f"torch 0.1 then, {versions()['torch']} now",)


def test_the_largest_gap_is_told(tiny: Tiny, digits: Split, cells: dict[str, list[Cell]]) -> None:
    other = {"0": {"0": 0.8, "1": 0.6 + 1e-12}, "1": {"0": 0.99}}

    comparison = compare_with_origin(*recorded(tiny, digits, cells, other))

    assert not comparison.equal
    assert "largest gap is 1.000 points" in comparison.lines()[0]
    assert comparison.document()["figures"][2] == {
        "class": "1",
        "seed": "0",
        "recorded": 0.99,
        "now": 1.0,
    }


def test_nothing_recorded_is_nothing_to_verify(
    tiny: Tiny, digits: Split, cells: dict[str, list[Cell]]
) -> None:
    for trained, file in (
        recorded(tiny, digits, cells, {"9": {"0": 0.5}}),
        (Trained(tiny(), digits, cells, Path("out")), tiny()),
    ):
        with pytest.raises(BadInput, match="--verify needs a file that records figures"):
            compare_with_origin(trained, file)


def test_everything_that_is_not_as_recorded_is_told(
    tiny: Tiny, digits: Split, cells: dict[str, list[Cell]]
) -> None:
    trained, file = recorded(tiny, digits, cells, {"1": {"0": 0.5}})
    origin = file.origin
    assert origin is not None
    changed = tiny(
        {"memory_units": 5, "learning_rate": 1e-2}, data={"split_seed": 4}, origin=origin
    ).model_copy(update={"runtime": Runtime(device="cpu", threads=2)})
    elsewhere = file.model_copy(
        update={
            "origin": origin.model_copy(
                update={"machine": "abacus", "split_hash": "0" * 64, "versions": versions()}
            ),
            "by_class": {"1": {"memory_units": 6}},
        }
    )

    differing = compare_with_origin(replace(trained, configuration=changed), elsewhere).differing

    assert set(differing) == {
        "class 0: memory_units 4 then, 5 now",
        "class 1: memory_units 6 then, 5 now",
        "learning_rate 0.001 then, 0.01 now",
        "data.split_seed 0 then, 4 now",
        "runtime.threads 1 then, 2 now",
        f"split 00000000 then, {digits.hash[:8]} now",
        f"machine abacus then, {machine()} now",
    }


def test_without_anomalies_to_test_on_it_says_that_there_is_nothing_to_compare(
    tiny: Tiny, digits: Split, cells: dict[str, list[Cell]]
) -> None:
    untested = {name: [replace(cell, test_auroc=None) for cell in of] for name, of in cells.items()}
    trained, file = recorded(tiny, digits, cells, {})

    with pytest.raises(BadInput, match="no anomalies to test on"):
        compare_with_origin(replace(trained, cells=untested), file)
