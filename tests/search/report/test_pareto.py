from __future__ import annotations

import csv
from pathlib import Path

from search.journal.journal import Journal
from search.journal.journal_file import open_to_write
from search.journal.outcomes import TrialOutcome, best
from search.report.pareto import fronts, write_fronts
from search.study.groups import ClassGroup
from search.study.study import Study

BOTH = ("val-auroc", "scoring-seconds")
GROUP = ClassGroup("all", ("0",), "")


def _outcome(trial_id: str, auroc: float, seconds: float) -> TrialOutcome:
    objectives = {"val-auroc": auroc, "scoring-seconds": seconds}
    return TrialOutcome(trial_id, "finished", {}, 1, {"mean": auroc}, objectives=objectives)


def test_of_equal_auroc_the_faster_wins() -> None:
    winner = best([_outcome("0000", 0.9, 2.0), _outcome("0001", 0.9, 1.0)])
    assert winner is not None
    assert winner.trial_id == "0001"


def _journal(study: Study, path: Path, *figures: tuple[float, float]) -> None:
    journal = Journal(open_to_write(path), study)
    for auroc, seconds in figures:
        suggestion = journal.ask()
        assert suggestion is not None
        journal.finished(suggestion.trial_id, {"mean": auroc}, {"scoring-seconds": seconds})
    stopped = journal.ask()
    assert stopped is not None
    journal.stopped(stopped.trial_id, {"mean": 0.99}, "hand")


def _study() -> Study:
    return Study.default().with_options(name="two", trials=9, objective=",".join(BOTH))


def test_the_front_holds_whom_nobody_beats(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    figures = [
        (0.90, 1.0),
        (0.95, 2.0),
        (0.89, 1.5),  # beaten by 0000
        (0.95, 3.0),  # as good as 0001, and slower
        (0.80, 0.5),
    ]
    _journal(_study(), path, *figures)
    front = fronts(_study(), [GROUP], path)["all"]
    assert [row.trial for row in front] == ["0001", "0000", "0004"]
    assert front[0].objectives == {"val-auroc": 0.95, "scoring-seconds": 2.0}


def test_table_and_figure_show_every_finished_trial(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    _journal(_study(), path, (0.9, 1.0), (0.95, 2.0), (0.8, 3.0))

    (tmp_path / "out" / "figures").mkdir(parents=True)
    written = write_fronts(_study(), [GROUP], path, tmp_path / "out")

    with (tmp_path / "out" / "pareto.csv").open() as file:
        rows = {row["trial"]: row for row in csv.DictReader(file)}
    assert {trial: row["on_front"] for trial, row in rows.items()} == {
        "0000": "True",
        "0001": "True",
        "0002": "False",
    }
    assert float(rows["0001"]["scoring-seconds"]) == 2.0
    (figure,) = written
    content = (tmp_path / "out" / "figures" / figure).read_bytes()
    assert content.startswith(b"\x89PNG")


def test_one_objective_has_no_front(tmp_path: Path) -> None:
    study = Study.default().with_options(name="one")
    assert fronts(study, [GROUP], tmp_path / "journal") == {}
    assert write_fronts(study, [GROUP], tmp_path / "journal", tmp_path) == {}
