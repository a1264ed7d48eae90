from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from recorder import Recorder

from search.journal.journal import Journal
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials import callback as watching
from search.trials.callback import Watch
from search.trials.tune_loop import open_journals


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study(normal_class=["3"])


@pytest.fixture
def journal_and_watch(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Journal, Watch, Recorder]:
    monkeypatch.setattr(watching, "_must_answer", lambda: None)
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    journals = open_journals(study, class_groups(study, ["3"]), folder)
    heard = Recorder()
    return next(iter(journals.values())), Watch(study, journals, [heard], folder), heard


def _taken_up(journal: Journal, *, retries_left: bool) -> Any:
    """A trial of Tune's whose worker is lost, as Tune's callbacks have it."""
    asked = journal.ask()
    assert asked is not None
    return SimpleNamespace(
        config={
            "group": "all",
            "trial_id": asked.trial_id,
            "began_with": asked.values,
            "values": asked.values,
        },
        should_recover=lambda: retries_left,
        get_pickled_error=lambda: None,
        get_error=lambda: "the worker died",
    )


def test_a_trial_whose_worker_is_lost_as_it_takes_it_up_is_handed_out_again(
    journal_and_watch: tuple[Journal, Watch, Recorder],
) -> None:
    journal, watch, heard = journal_and_watch
    lost = _taken_up(journal, retries_left=True)
    watch.on_trial_error(1, [], lost)
    assert watch.to_try_again
    assert heard.events == []
    again = _taken_up(journal, retries_left=True)
    assert again.config == lost.config


def test_a_trial_that_loses_every_worker_is_failed_and_told_from_its_start(
    journal_and_watch: tuple[Journal, Watch, Recorder],
) -> None:
    journal, watch, heard = journal_and_watch
    for _ in range(4):
        watch.on_trial_error(1, [], _taken_up(journal, retries_left=True))
    (outcome,) = journal.outcomes()
    assert outcome.state == "failed"
    assert "its worker was lost" in str(outcome.error)
    assert [event for event, _ in heard.events] == ["trial_started", "trial_ended"]


def test_tunes_own_retries_are_not_doubled(
    journal_and_watch: tuple[Journal, Watch, Recorder],
) -> None:
    journal, watch, _ = journal_and_watch
    watch.on_trial_error(1, [], _taken_up(journal, retries_left=False))
    assert [outcome.state for outcome in journal.outcomes()] == ["failed"]
    assert not watch.to_try_again
