from __future__ import annotations

import csv
from pathlib import Path

from search.groups import ClassGroup
from search.journal import Journal
from search.journal_file import open_to_write
from search.outcome import TrialOutcome, best
from search.pareto import fronts, pareto_front, write_fronts
from search.store import StudyFolder
from search.study import Study

BOTH = ("val-auroc", "scoring-seconds")
GROUP = ClassGroup("all", ("0",), "")


def _outcome(trial_id: str, auroc: float, seconds: float) -> TrialOutcome:
    objectives = {"val-auroc": auroc, "scoring-seconds": seconds}
    return TrialOutcome(trial_id, "finished", {}, 1, {"mean": auroc}, objectives=objectives)


def test_the_front_holds_whom_nobody_beats() -> None:
    outcomes = [
        _outcome("0000", 0.90, 1.0),
        _outcome("0001", 0.95, 2.0),
        _outcome("0002", 0.89, 1.5),  # beaten by 0000
        _outcome("0003", 0.95, 3.0),  # as good as 0001, and slower
        _outcome("0004", 0.80, 0.5),
        TrialOutcome("0005", "stopped", {}, 1, {"mean": 0.99}),
    ]
    assert [o.trial_id for o in pareto_front(outcomes, BOTH)] == ["0001", "0000", "0004"]


def test_of_equal_auroc_the_faster_wins() -> None:
    winner = best([_outcome("0000", 0.9, 2.0), _outcome("0001", 0.9, 1.0)])
    assert winner is not None
    assert winner.trial_id == "0001"


def test_table_and_figure_show_every_finished_trial(tmp_path: Path) -> None:
    study = Study.default().with_options(name="two", trials=4, objective=",".join(BOTH))
    folder = StudyFolder(tmp_path, "two")
    folder.create(study)
    journal = Journal(open_to_write(folder.journal), study)
    for auroc, seconds in ((0.9, 1.0), (0.95, 2.0), (0.8, 3.0)):
        suggestion = journal.ask()
        assert suggestion is not None
        journal.finished(suggestion.trial_id, {"mean": auroc}, {"scoring-seconds": seconds})

    (tmp_path / "out").mkdir()
    written = write_fronts(study, [GROUP], folder, tmp_path / "out")

    (table, _), (figure, _) = written
    with table.open() as file:
        rows = {row["trial"]: row for row in csv.DictReader(file)}
    assert {trial: row["on_front"] for trial, row in rows.items()} == {
        "0000": "True",
        "0001": "True",
        "0002": "False",
    }
    assert float(rows["0001"]["scoring-seconds"]) == 2.0
    assert figure.read_bytes().startswith(b"\x89PNG")
    front = fronts(study, [GROUP], folder)["all"]
    assert [row["trial"] for row in front] == ["0001", "0000"]


def test_one_objective_has_no_front(tmp_path: Path) -> None:
    study = Study.default().with_options(name="one")
    assert fronts(study, [GROUP], StudyFolder(tmp_path, "one")) == {}
    assert write_fronts(study, [GROUP], StudyFolder(tmp_path, "one"), tmp_path) == []
