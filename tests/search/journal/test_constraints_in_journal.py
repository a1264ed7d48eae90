"""Constraints in the journal: told to the sampler, kept over a restart, and none of the trials that
break them wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.journal.journal import Journal, read_outcomes
from search.journal.journal_file import open_to_write
from search.journal.optuna_copy import copy_for_optuna
from search.journal.outcomes import TrialsResult, best
from search.study.budget import Budget
from search.study.study import Study
from search.trials.kept_checkpoints import best_few
from search.workflow.ending import no_winner

Make = Callable[..., Study]
SPACE = {
    "sharpness": {"low": 1.0, "high": 9.0},
    "cycle_weight": {"low": 1.0, "high": 2.0},  # NSGA-II draws a lone parameter anew each time.
    "projection_weight": {"low": 1.0, "high": 2.0},
}
BOUND = {"address_perplexity": {"at_most": 0.5}}


def bound_study(make_study: Make, trials: int = 30, **values: Any) -> Study:
    """AUROC prefers a small sharpness, the constraint a great one."""
    content = {
        "space": SPACE,
        "sampler": {"name": "tpe"},
        "constraints": BOUND,
        "budget": {"trials": trials},
        **values,
    }
    return Study.model_validate(
        {**make_study().model_dump(mode="json", exclude={"space", "sampler"}), **content}
    )


def go_on(path: Path, study: Study, most: int | None = None) -> None:
    journal = Journal(open_to_write(path), study)
    while (most is None or most > 0) and (asked := journal.ask()) is not None:
        sharpness = asked.values["sharpness"]
        journal.epoch(asked.trial_id, 1, 1 - sharpness / 20)
        journal.note_health(asked.trial_id, {"address_perplexity": 1 - sharpness / 10})
        journal.finished(asked.trial_id, {"mean": 1 - sharpness / 20})
        most = None if most is None else most - 1


def test_the_winner_is_the_best_of_those_that_fulfil(make_study: Make, tmp_path: Path) -> None:
    study = bound_study(make_study)
    go_on(tmp_path / "journal", study)
    outcomes = read_outcomes(tmp_path / "journal")
    winner = best(outcomes)
    assert winner is not None
    fulfil = [o for o in outcomes if o.health["address_perplexity"] <= 0.5]
    assert winner.mean == max(o.mean or 0 for o in fulfil)
    assert any((o.mean or 0) > (winner.mean or 0) for o in outcomes)
    assert {o.trial_id for o in outcomes if not o.broken} == {o.trial_id for o in fulfil}
    broken = next(o for o in outcomes if o.broken)
    assert broken.broken == {
        "address_perplexity at most 0.5": pytest.approx(broken.health["address_perplexity"] - 0.5)
    }
    assert best_few(outcomes)[0] == winner  # Whose checkpoint stays.


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_the_sampler_is_told(make_study: Make, tmp_path: Path, sampler: str) -> None:
    """Without the bound the same sampler goes where AUROC is best, and there it is broken."""
    found = {}
    for name, constraints in (("bound", BOUND), ("free", {})):
        options = {"population": 10} if sampler == "nsga2" else {}
        study = bound_study(
            make_study, 60, constraints=constraints, sampler={"name": sampler, **options}
        )
        go_on(tmp_path / name, study)
        late = read_outcomes(tmp_path / name)[30:]
        found[name] = sum(o.health["address_perplexity"] <= 0.5 for o in late)
    assert found["bound"] > found["free"] + 4


def test_a_restarted_search_suggests_the_same(make_study: Make, tmp_path: Path) -> None:
    study = bound_study(make_study, 20)
    go_on(tmp_path / "whole", study)
    go_on(tmp_path / "cut", study, most=13)
    go_on(tmp_path / "cut", study)
    whole, cut = (read_outcomes(tmp_path / name) for name in ("whole", "cut"))
    assert [o.values for o in whole] == [o.values for o in cut]
    assert [o.broken for o in whole] == [o.broken for o in cut]


def test_optuna_itself_reads_them_as_constraints(make_study: Make, tmp_path: Path) -> None:
    study = bound_study(make_study, 5)
    go_on(tmp_path / "journal", study)
    (name,) = optuna.get_all_study_names(open_to_write(tmp_path / "journal"))
    own = optuna.load_study(study_name=name, storage=open_to_write(tmp_path / "journal"))
    for trial, outcome in zip(own.trials, read_outcomes(tmp_path / "journal"), strict=True):
        (beyond,) = trial.system_attrs["constraints"]
        assert beyond == pytest.approx(outcome.health["address_perplexity"] - 0.5)


def test_a_copy_for_optuna_has_the_same_best_trial(make_study: Make, tmp_path: Path) -> None:
    study = bound_study(make_study, 20)
    go_on(tmp_path / "journal", study)
    winner = best(read_outcomes(tmp_path / "journal"))
    assert winner is not None
    copy = copy_for_optuna(tmp_path / "journal", study, "copy")
    assert copy.best_trial.user_attrs["trial"] == winner.trial_id
    assert copy.best_trial.user_attrs["health"] == winner.health


def test_where_none_fulfils_the_study_says_so_and_what_is_nearest(
    make_study: Make, tmp_path: Path
) -> None:
    study = bound_study(make_study, 4, constraints={"address_perplexity": {"at_most": 0.01}})
    go_on(tmp_path / "journal", study)
    outcomes = read_outcomes(tmp_path / "journal")
    result = TrialsResult(tuple(outcomes))
    assert result.best is None
    line = no_winner(study, "all", result, lambda *more: "memgan go on " + " ".join(more))
    nearest = min(outcomes, key=lambda o: o.health["address_perplexity"])
    assert line.startswith(
        "none of the 4 finished trials of all fulfils the constraints; the nearest is trial"
        f" {nearest.trial_id}, which breaks address_perplexity at most 0.01 with"
        f" address_perplexity {nearest.health['address_perplexity']:.2f}"
    )
    assert line.endswith("give it more trials, such as twice as many: memgan go on --trials 8")
    timed = TrialsResult(tuple(outcomes), timed_out=True)
    by_time = study.model_copy(update={"budget": Budget(time=60)})
    line = no_winner(by_time, "all", timed, lambda *more: "memgan go on " + " ".join(more))
    assert line.endswith("memgan go on --time-budget 120s")


def test_a_trial_without_the_measure_cannot_win(make_study: Make, tmp_path: Path) -> None:
    study = bound_study(make_study, 1)
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    asked = journal.ask()
    assert asked is not None
    journal.note_health(asked.trial_id, {})
    journal.finished(asked.trial_id, {"mean": 0.9})
    assert best(journal.outcomes()) is None
    line = no_winner(study, "all", TrialsResult(tuple(journal.outcomes())), lambda *more: "go on")
    assert "with no address_perplexity" in line
