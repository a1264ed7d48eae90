"""The journal, and the searcher that hands out its trials."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from search.journal.journal import Journal, read_outcomes
from search.journal.journal_file import open_to_write
from search.journal.outcomes import TrialOutcome, best
from search.study.study import Study


@pytest.fixture
def study() -> Study:
    return Study.default().with_options(trials=4, seed=3)


def _journal(path: Path, study: Study, prefix: str = "") -> Journal:
    return Journal(open_to_write(path), study, prefix)


def _report(journal: Journal, trial_id: str, *values: float) -> dict[str, float]:
    for epoch, value in enumerate(values, start=1):
        journal.epoch(trial_id, epoch, value)
    return {"0": values[-1], "mean": values[-1]}


def _asked(journal: Journal) -> Any:
    suggestion = journal.ask()
    assert suggestion is not None
    return suggestion


def test_each_end_has_its_state_and_keeps_all_values(study: Study, tmp_path: Path) -> None:
    journal = _journal(tmp_path / "j", study)
    ids = [_asked(journal).trial_id for _ in range(3)]
    journal.finished(ids[0], _report(journal, ids[0], 0.1, 0.8))
    journal.stopped(ids[1], _report(journal, ids[1], 0.2, 0.3), by="asha")
    journal.failed(ids[2], "diverged: M loss is nan")

    assert journal.states() == {
        "0000": TrialState.COMPLETE,
        "0001": TrialState.PRUNED,
        "0002": TrialState.FAIL,
    }
    assert dict(journal.history())["0001"] == {1: 0.2, 2: 0.3}
    done = {o.trial_id: o for o in read_outcomes(tmp_path / "j")}
    assert (done["0001"].state, done["0001"].stopped_by, done["0001"].mean) == (
        "stopped",
        "asha",
        0.3,
    )
    assert done["0002"].error == "diverged: M loss is nan"


def test_the_budget_is_the_journals(study: Study, tmp_path: Path) -> None:
    journal = _journal(tmp_path / "j", study)
    assert [_asked(journal).trial_id for _ in range(4)] == ["0000", "0001", "0002", "0003"]
    assert journal.ask() is None
    larger = _journal(tmp_path / "j", study.with_options(trials=6))
    assert larger.to_hand_out() == 6


def test_trials_cut_off_are_handed_out_again_as_they_were(study: Study, tmp_path: Path) -> None:
    journal = _journal(tmp_path / "j", study)
    first, second = _asked(journal), _asked(journal)
    journal.checkpointed(first.trial_id, "/somewhere", 1)
    _report(journal, first.trial_id, 0.5)
    journal.finished(second.trial_id, _report(journal, second.trial_id, 0.7))

    again = _journal(tmp_path / "j", study)  # as after SIGKILL: nobody said goodbye

    assert TrialState.RUNNING not in again.states().values()
    resumed = _asked(again)
    assert (resumed.trial_id, resumed.values) == (first.trial_id, first.values)
    assert resumed.checkpoint == "/somewhere"
    assert not again.epoch(first.trial_id, 1, 0.5)
    assert again.epoch(first.trial_id, 2, 0.6)
    assert _asked(again).trial_id == "0002"


def test_a_killed_search_proposes_what_an_undisturbed_one_does(
    study: Study, tmp_path: Path
) -> None:
    def search(path: Path, *, killed: bool) -> list[dict[str, Any]]:
        journal = _journal(path, study)
        values = []
        for _ in range(study.budget.trials):
            suggestion = _asked(journal)
            if killed:
                journal = _journal(path, study)
                suggestion = _asked(journal)
            values.append(suggestion.values)
            journal.finished(suggestion.trial_id, {"mean": suggestion.values["learning_rate"]})
        return values

    assert search(tmp_path / "a", killed=True) == search(tmp_path / "b", killed=False)


def test_starting_configurations_come_first_and_only_once(tmp_path: Path) -> None:
    start = "start_from=[{memory_units: 40, memory_dim: 16}]"
    study = Study.default().with_settings([start])
    journal = _journal(tmp_path / "j", study)
    first = _asked(journal).values
    assert (first["memory_units"], first["memory_dim"]) == (40, 16)
    assert set(first) == {"learning_rate", "memory_units", "memory_dim"}
    journal.finished("0000", {"mean": 0.5})
    assert len(_journal(tmp_path / "j", study).states()) == 1


def test_half_a_line_and_a_dead_lock_do_not_stop_a_resume(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = _journal(path, study)
    _asked(journal)
    with path.open("a") as file:
        file.write('{"op_code": 4, "trial')
    Path(f"{path}.lock").touch()
    again = _journal(path, study)
    assert _asked(again).trial_id == "0000"


def test_reading_disturbs_no_running_driver(study: Study, tmp_path: Path) -> None:
    journal = _journal(tmp_path / "j", study)
    asked = _asked(journal)
    before = (tmp_path / "j").read_bytes()
    assert [o.state for o in read_outcomes(tmp_path / "j")] == ["unfinished"]
    assert (tmp_path / "j").read_bytes() == before
    assert journal.states()[asked.trial_id] == TrialState.RUNNING
    assert read_outcomes(tmp_path / "none") == []
    assert read_outcomes(tmp_path / "j", "other-") == []


def test_classes_of_a_per_class_study_share_a_file_and_nothing_else(
    study: Study, tmp_path: Path
) -> None:
    one, two = _journal(tmp_path / "j", study, "1-"), _journal(tmp_path / "j", study, "2-")
    assert _asked(one).trial_id == "1-0000"
    assert _asked(two).trial_id == "2-0000"
    assert [o.trial_id for o in read_outcomes(tmp_path / "j", "2-")] == ["2-0000"]


def test_the_searcher_hands_out_the_journal_and_is_no_memory(study: Study, tmp_path: Path) -> None:
    from search.trials.searcher import JournalSearcher

    searcher = JournalSearcher({"all": _journal(tmp_path / "j", study)})
    config: Any = searcher.suggest("tunes-own-id")
    assert config["trial_id"] == "0000"
    assert pickle.loads(pickle.dumps(searcher)).suggest("x") == "FINISHED"  # noqa: S301
    for _ in range(3):
        searcher.suggest("another")
    assert searcher.suggest("one more") == "FINISHED"


def test_the_winner_saw_its_full_budget_and_ties_go_to_the_earlier() -> None:
    def outcome(trial_id: str, state: Any, mean: float) -> TrialOutcome:
        return TrialOutcome(trial_id, state, {}, 1, {"mean": mean})

    found = best(
        [
            outcome("0000", "stopped", 0.99),
            outcome("0002", "finished", 0.9),
            outcome("0001", "finished", 0.9),
            outcome("0003", "finished", 0.8),
        ]
    )
    assert found is not None
    assert found.trial_id == "0001"
    assert best([outcome("0000", "stopped", 0.9)]) is None
