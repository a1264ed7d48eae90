"""The table of all trials: an order, heat, and why a trial ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from search.journal.by_group import outcomes_by_group
from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.journal.outcomes import TrialOutcome
from search.report.trial_table import TrialTable, trial_table
from search.report.trials_frame import frame_of_trials
from search.study.groups import class_groups

Make = Callable[..., Any]


def made(protocol: str, classes: tuple[str, ...], study: Any, fill: Make, path: Path) -> TrialTable:
    fill(path / "journal", study, classes)
    return trial_table(study, outcomes_by_group(class_groups(study, classes), path / "journal"))


def test_every_trial_has_a_row_the_winner_first(
    make_study: Make, fill: Make, tmp_path: Path
) -> None:
    table = made("shared", ("0", "1"), make_study(), fill, tmp_path)

    states = [row.trial.state for row in table.rows]
    assert states == ["finished"] * 6 + ["stopped"] * 3 + ["failed"] * 3
    assert [row.won for row in table.rows] == [True] + [False] * 11
    means = [row.trial.mean or 0 for row in table.rows[:6]]
    assert means == sorted(means, reverse=True)
    assert {row.why for row in table.rows[6:9]} == {"by asha after 2 of 7"}
    assert {row.why for row in table.rows[9:]} == {"loss of <b>3</b> is nan; lower the rate"}


def test_classes_have_columns_with_heat_and_the_best_of_each(
    make_study: Make, fill: Make, tmp_path: Path
) -> None:
    table = made("shared", ("0", "1"), make_study(), fill, tmp_path)

    assert table.classes == ["0", "1"]
    for column in range(3):
        cells = [row.figures[column] for row in table.rows]
        finished, failed = cells[:6], cells[9:]
        assert [cell.best for cell in finished].count(True) == 1
        assert max(finished, key=lambda cell: cell.value).best
        assert all(cell.text == "" and cell.heat is None for cell in failed)
    heats = [cell.heat for row in table.rows[:9] for cell in row.figures]
    assert max(h for h in heats if h is not None) == 1
    assert min(h for h in heats if h is not None) == 0


def test_a_trial_of_several_seeds_shows_their_spread(make_study: Make) -> None:
    figures = {"mean": 0.9712, "3": 0.9712}
    one = TrialOutcome("0000", "finished", {}, 7, figures, val_auroc_sd={"mean": 0.0042})
    other = TrialOutcome("0001", "finished", {}, 7, figures)
    table = trial_table(make_study(), {"all": [one, other]})
    assert [row.figures[0].text for row in table.rows] == ["97.12 ± 0.42", "97.12"]


def test_by_class_one_column_says_it_all(make_study: Make, fill: Make, tmp_path: Path) -> None:
    table = made("per-class", ("0", "1"), make_study("per-class"), fill, tmp_path)

    assert table.groups == ["0", "1"]
    assert table.classes == []
    assert all(len(row.figures) == 1 for row in table.rows)
    assert [row.won for row in table.rows].count(True) == 2
    assert sum(row.figures[0].best for row in table.rows) == 2


def test_what_was_not_searched_is_empty(make_study: Make, fill: Make, tmp_path: Path) -> None:
    table = made("shared", ("0",), make_study(), fill, tmp_path)

    place = table.parameters.index("sharpness")
    for row in table.rows:
        assert (row.parameters[place].text == "") == ("sharpness" not in row.trial.values)
    assert {row.parameters[place].text for row in table.rows} > {""}


def test_health_has_columns_and_a_broken_bound_is_why_a_trial_did_not_win(
    make_study: Make, tmp_path: Path
) -> None:
    study = make_study(constraints={"d_accuracy": {"at_most": 0.9}})
    journal = Journal(open_to_write(tmp_path / "journal"), study)
    for accuracy, figure in ((0.99, 0.95), (0.7, 0.8)):
        asked = journal.ask()
        assert asked is not None
        journal.note_health(asked.trial_id, {"d_accuracy": accuracy, "unit_spread": 3.0})
        journal.finished(asked.trial_id, {"mean": figure})

    table = trial_table(study, {"all": journal.outcomes()})

    assert table.measures == ["d_accuracy"]
    assert [[cell.text for cell in row.health] for row in table.rows] == [["0.70"], ["0.99"]]
    assert [row.won for row in table.rows] == [True, False]  # The winner leads, and is underlined.
    assert [row.figures[0].best for row in table.rows] == [True, False]
    assert [row.why for row in table.rows] == ["", "breaks d_accuracy at most 0.9"]
    frame = frame_of_trials(study, {"all": journal.outcomes()}, {}, {})
    assert sorted(frame.why.fillna("")) == ["", "breaks d_accuracy at most 0.9"]
    assert list(frame.winner) == [False, True]
