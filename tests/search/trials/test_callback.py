from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from recorder import Recorder

from memgan.errors import OutOfSpace
from search.journal.journal import Journal
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials import callback as watching
from search.trials.announcer import Announcer
from search.trials.callback import Verdict, Watch, Watched
from search.trials.tune_loop import open_journals
from tracking.facts import TrialEpoch


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
    watched = Watched(study, folder, journals, count_time=lambda: None)
    watch = Watch(watched, Announcer(study, journals, [heard]))
    return next(iter(journals.values())), watch, heard


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
    assert watch.verdict.to_try_again
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
    assert not watch.verdict.to_try_again


def test_what_a_run_found_is_read_from_outside_and_never_set(
    journal_and_watch: tuple[Journal, Watch, Recorder],
) -> None:
    _, watch, _ = journal_and_watch
    assert watch.verdict == Verdict()
    assert [name for name in vars(watch) if not name.startswith("_")] == []
    with pytest.raises(FrozenInstanceError):
        watch.verdict.interrupted = True  # type: ignore[misc]
    full = {"error": "no space left on device", "kind": "full"}
    with pytest.raises(OutOfSpace, match="no space left on device"):
        watch.on_trial_result(1, [], _taken_up(journal_and_watch[0], retries_left=True), full)
    assert watch.verdict.no_room == "no space left on device"


def test_an_epoch_is_told_as_one_frozen_event(
    journal_and_watch: tuple[Journal, Watch, Recorder],
) -> None:
    journal, watch, heard = journal_and_watch
    result = {
        "epoch": 1,
        "val_auroc": {"3": 0.8, "mean": 0.8},
        "losses": {"cycle": 0.5},
        "health": {"d_accuracy": {"3": 0.7, "mean": 0.7}},
        "seconds": 2.0,
        "images_per_second": 900.0,
        "peak_memory_mb": 120.0,
        "gpu_memory_mb": None,
    }
    trial = _taken_up(journal, retries_left=True)
    watch.on_trial_result(1, [], trial, result)
    watch.on_trial_result(1, [], trial, result)  # After a retry Tune may report it again.
    (told,) = heard.epochs()
    trial_id = trial.config["trial_id"]
    expected = {"3": 0.8, "mean": 0.8}, {"cycle": 0.5}, 2.0, 900.0, 120, result["health"]
    assert told == TrialEpoch(trial_id, 1, *expected)
    with pytest.raises(FrozenInstanceError):
        told.epoch = 2  # type: ignore[misc]


def test_a_listener_that_fails_keeps_nobody_else_from_being_told(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __getattr__(self, event: str) -> Any:
            raise RuntimeError("it broke")

    heard = Recorder()
    announcer = Announcer(study, {}, [Broken(), heard])
    announcer.epoch(TrialEpoch("0000", 1, {"3": 0.8}, {}, 1.0, 1.0, 1.0), {})
    assert [told.trial_id for told in heard.epochs()] == ["0000"]
    assert "Broken could not note trial_epoch: it broke" in caplog.text


def test_a_trial_that_breaks_a_constraint_is_finished_and_never_the_best(
    make_study: Callable[..., Study], tmp_path: Path
) -> None:
    study = make_study(normal_class=["3"], constraints={"d_accuracy": {"at_most": 0.9}})
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    journals = open_journals(study, class_groups(study, ["3"]), folder)
    journal, heard = next(iter(journals.values())), Recorder()
    watched = Watched(study, folder, journals, count_time=lambda: None)
    watch = Watch(watched, Announcer(study, journals, [heard]))
    for accuracy, figure in ((0.99, 0.95), (0.7, 0.8)):
        trial = _taken_up(journal, retries_left=True)
        trial.last_result = {
            "epoch": study.epochs,
            "val_auroc": {"3": figure, "mean": figure},
            "health": {"d_accuracy": {"3": accuracy, "mean": accuracy}},
        }
        watch.on_trial_complete(1, [], trial)
    first, second = journal.outcomes()
    assert list(first.broken) == ["d_accuracy at most 0.9"]
    assert (first.state, second.state, second.broken) == ("finished", "finished", {})
    assert [figures["mean"] for figures, _ in heard.of("study_best")] == [0.8]
