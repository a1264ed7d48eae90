"""What is said when a group's trials have ended, and what to do next where nobody won."""

from __future__ import annotations

from typing import Any

import pytest

from search.journal.outcomes import State, TrialOutcome, TrialsResult
from search.study.study import Study
from search.workflow.ending import ending, no_winner


def _study(trials: int, units: Any = (10, 25, 50)) -> Study:
    return Study(
        name="ending",
        data={"source": "digits"},
        space={"memory_units": units},
        budget={"trials": trials},
    )


def _go_on(*more: str) -> str:
    return " ".join(("go on", *more))


def _result(*states: State, **fields: Any) -> TrialsResult:
    error = "loss is nan"
    return TrialsResult(
        tuple(
            TrialOutcome(f"{n:04d}", s, {}, 1, {}, error=error if s == "failed" else None)
            for n, s in enumerate(states)
        ),
        **fields,
    )


@pytest.mark.parametrize("trials", [3, 12])
def test_a_finite_space_that_was_tried_whole_is_named(trials: int) -> None:
    found = _result("finished", "stopped", "failed")
    assert ending(_study(trials), found) == (
        "1 finished, 1 stopped, 1 failed; the space has 3 points, and all were tried"
    )


def test_a_space_of_one_point_is_named_in_words() -> None:
    text = ending(_study(3, [10]), _result("finished"))
    assert text == "1 finished; the space has 1 point, and it was tried"


def test_a_larger_space_an_unfinished_trial_and_the_time_are_no_whole_space() -> None:
    whole = _result("finished", "finished", "finished")
    assert ending(_study(2), _result("finished", "finished")) == "2 finished"
    assert ending(_study(3, {"low": 2, "high": 500}), whole) == "3 finished"
    assert "tried" not in ending(_study(12), _result("finished", "finished", "unfinished"))
    timed_out = _result("finished", "finished", "finished", timed_out=True)
    assert ending(_study(12), timed_out) == "3 finished; the time is up"


def test_more_trials_are_advised_only_where_there_are_more_points() -> None:
    assert no_winner(_study(2), "all", _result("failed", "failed"), _go_on) == (
        "no trial of all trained to the end; the first fault: loss is nan; give it more trials,"
        " such as twice as many: go on --trials 4"
    )
    whole = no_winner(_study(12), "all", _result("failed", "failed", "failed"), _go_on)
    assert "--trials" not in whole
    assert "begin a new study" in whole
