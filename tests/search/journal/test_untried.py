"""A finite space: no point is tried twice, and a study ends when all were tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.journal.journal import Journal, read_groups
from search.journal.journal_file import open_to_write
from search.study.groups import class_groups
from search.study.study import Study

CONDITIONAL: dict[str, Any] = {
    "memory_units": [10, 25],
    "encoder_game": {"choice": ["saturating", "non-saturating"]},
    "sharpness": {"choice": [1, 3, 5], "when": {"memory_units": {"at_least": 20}}},
}
"""Two points without and six with a sharpness."""


def _study(trials: int, space: dict[str, Any], **values: Any) -> Study:
    return Study(
        name="finite",
        data={"source": "digits"},
        objective="val-auroc",
        fixed={"epochs": 2},
        scheduler={"name": "none"},
        space=space,
        budget={"trials": trials},
        **values,
    )


def _search(path: Path, study: Study, prefix: str = "") -> list[dict[str, Any]]:
    journal = Journal(open_to_write(path), study, prefix)
    for _ in range(50):
        if (asked := journal.ask()) is None:
            break
        figure = 0.5 + 0.01 * len(str(asked.values))
        journal.epoch(asked.trial_id, 1, figure)
        journal.finished(asked.trial_id, {"mean": figure})
    assert journal.exhausted()
    return [outcome.values for outcome in journal.outcomes()]


def _different(found: list[dict[str, Any]]) -> int:
    return len({tuple(sorted(values.items())) for values in found})


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc", "gp", "nsga2"])
@pytest.mark.parametrize(
    ("space", "size"),
    [
        ({"memory_units": [10, 25, 50, 75, 100]}, 5),
        ({"memory_dim": {"low": 8, "high": 30, "step": 8}}, 3),
        ({"adversarial_weight": {"low": 0.5, "high": 1.1, "step": 0.1}}, 7),
        (CONDITIONAL, 8),
    ],
)
def test_every_point_is_tried_once_and_then_it_ends(
    tmp_path: Path, sampler: str, space: dict[str, Any], size: int
) -> None:
    found = _search(tmp_path / "journal", _study(12, space, sampler={"name": sampler}))

    assert len(found) == _different(found) == size


@pytest.mark.parametrize(("trials", "size"), [(5, 5), (12, 9)])
def test_cma_es_tries_every_point_once(tmp_path: Path, trials: int, size: int) -> None:
    space = {"memory_units": [10, 25, 50], "memory_dim": {"low": 8, "high": 30, "step": 8}}
    found = _search(tmp_path / "journal", _study(trials, space, sampler={"name": "cmaes"}))

    assert len(found) == _different(found) == size


def test_a_point_whose_trial_was_stopped_or_failed_is_not_tried_again(tmp_path: Path) -> None:
    study = _study(12, {"memory_units": [10, 25, 50, 75, 100]})
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    for _ in range(12):
        if (asked := journal.ask()) is None:
            break
        if asked.trial_id in ("0000", "0003"):
            journal.epoch(asked.trial_id, 1, 0.5)
            journal.stopped(asked.trial_id, {"mean": 0.5}, "asha")
        elif asked.trial_id == "0001":
            journal.failed(asked.trial_id, "diverged")
        else:
            journal.finished(asked.trial_id, {"mean": 0.6})

    assert journal.exhausted()
    assert sorted(o.values["memory_units"] for o in journal.outcomes()) == [10, 25, 50, 75, 100]


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_a_budget_below_the_size_repeats_nothing_either(tmp_path: Path, sampler: str) -> None:
    found = _search(tmp_path / "journal", _study(7, CONDITIONAL, sampler={"name": sampler}))

    assert len(found) == _different(found) == 7


def test_more_trials_on_resume_try_what_is_left(tmp_path: Path) -> None:
    first = _search(tmp_path / "journal", _study(3, CONDITIONAL))
    more = _search(tmp_path / "journal", _study(20, CONDITIONAL))

    assert more[:3] == first
    assert len(more) == _different(more) == 8


def test_starting_configurations_count_once(tmp_path: Path) -> None:
    starts = ("paper", {"memory_units": 10}, {"memory_units": 10}, {"memory_units": 25})
    space = {"memory_units": [10, 25]}
    found = _search(tmp_path / "journal", _study(9, space, start_from=starts))

    # The paper's 50 lies outside, so the first is whatever the sampler makes of it.
    assert sorted(values["memory_units"] for values in found) == [10, 25]


def test_a_partial_start_that_can_become_nothing_new_is_passed_over(tmp_path: Path) -> None:
    whole = {"memory_units": 10, "encoder_game": "saturating"}
    other = {"memory_units": 10, "encoder_game": "non-saturating"}
    starts = (whole, other, {"memory_units": 10})
    found = _search(tmp_path / "journal", _study(12, CONDITIONAL, start_from=starts))

    assert found[:2] == [whole, other]
    assert len(found) == _different(found) == 8


def test_every_class_has_all_points(tmp_path: Path) -> None:
    study = _study(12, CONDITIONAL, protocol="per-class")
    for group in class_groups(study, ["a", "b"]):
        _search(tmp_path / "journal", study, group.prefix)

    assert [len(of) for of in read_groups(tmp_path / "journal").values()] == [8, 8]


def test_a_continuous_space_has_its_whole_budget(make_study: Callable[..., Study]) -> None:
    study = make_study()

    assert study.search_space.never_repeats
    assert study.most_trials == study.budget.trials
    assert _study(12, CONDITIONAL).most_trials == 8
