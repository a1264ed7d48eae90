from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from memgan.text import clock
from memgan.waiting import Wait, displayed_by
from search.cli.app import app
from search.finals.baselines import ANCHOR_KEYS
from search.journal.outcomes import TrialOutcome
from search.results.study_folder import StudyFolder
from search.study.groups import ClassGroup
from search.study.study import Study
from search.trials.tune_loop import open_journals, read_outcomes
from search.workflow.live_progress import FinalsProgress, LiveProgress
from search.workflow.study_status import budget_spent, export_seconds, standing
from tracking.facts import TrialEpoch

ALL = ClassGroup("all", ("0", "1"), "")
AUROC = {"0": 0.8, "1": 0.7, "mean": 0.75}


class _Drawn:
    """A display that draws once, when the wait is over."""

    text = ""

    def show(self, wait: Wait) -> None:
        self._wait = wait

    def close(self) -> None:
        console = Console(file=io.StringIO(), width=120)
        assert self._wait.details is not None
        console.print(self._wait.text(), self._wait.details())
        self.text = console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def study() -> Study:
    options = {"name": "mine", "trials": 4, "epochs": 2, "price_per_hour": 3.0}
    return Study.default().with_options(**options)


def _run(progress: LiveProgress) -> None:
    """One trial to its end, one stopped, one in training; one is to come."""
    for number, epochs in enumerate([2, 1, 1]):
        trial = f"000{number}"
        params = {"learning_rate": 0.01, "memory_units": 20, "memory_dim": 8, "width": 4}
        progress.trial_started(trial, params, "all")
        for epoch in range(1, epochs + 1):
            progress.trial_epoch(TrialEpoch(trial, epoch, AUROC, {}, 1.0, 1.0, 1.0))
    progress.trial_ended("0000", "FINISHED")
    progress.trial_ended("0001", "KILLED", stopped_by="asha")


def test_a_terminal_shows_states_best_by_class_pace_time_and_money(study: Study) -> None:
    drawn = _Drawn()
    progress = LiveProgress(study, {"all": []}, seconds=600, now=lambda: 0.0)
    with displayed_by(drawn), progress.shown():
        assert progress.standing().seconds_left is None
        _run(progress)
        now = progress.standing()
    assert list(now.counts.values()) == [1, 1, 0, 1, 1]
    # Three seeds of two epochs, where four epochs took 600 s; then an export of two classes.
    assert now.seconds_after_trials == pytest.approx(900 + export_seconds(2), rel=1e-9)
    assert now.seconds_left == pytest.approx(600 * 1.5 / 2.5 + 900 + export_seconds(2), rel=0.01)
    assert now.cost == pytest.approx(0.5, rel=0.01)
    assert now.seconds_left is not None
    for line in (
        "training trials",
        f"2 of 4 trials, 10:00 so far, about {clock(now.seconds_left)} left with finals",
        "1 finished, 1 stopped, 1 in training, 1 to come",
        "75.00 (trial 0000): learning_rate 0.01, memory_units 20, memory_dim 8",
        "0 80.00, 1 70.00",
        "0.2 trials, 0.4 epochs a minute",
        f"0.50 so far, about {(600 + now.seconds_left) * 3 / 3600:.2f} in all, at 3 an hour",
    ):
        assert line in drawn.text


def test_the_time_left_ends_with_the_export(study: Study) -> None:
    done = [
        TrialOutcome(f"000{number}", "finished", {}, 2, AUROC)
        for number in range(study.most_trials)
    ]
    trained = standing(study, {"all": done}, 80.0, set())
    assert trained.seconds_left == trained.seconds_after_trials
    assert trained.seconds_left == pytest.approx(3 * 2 * 80 / 8 + export_seconds(2))

    assert standing(study, {"all": done}, 80.0, set(), concluded=True).seconds_left is None


def test_finals_that_are_cross_fitted_are_expected_to_train_each_fold_too(study: Study) -> None:
    done = [TrialOutcome(f"000{number}", "finished", {}, 2, AUROC) for number in range(4)]
    crossed = study.with_settings(["data.calibration=cross-fit", "data.validation_fraction=0.2"])

    left = standing(crossed, {"all": done}, 80.0, set()).seconds_left

    # Three seeds of two epochs, at ten seconds each; once on all images, which are 1 / 0.8 times
    # those of a trial, and five times on four fifths of them, which are as many as a trial's.
    assert left == pytest.approx(3 * 2 * 10 * (1.25 + 5 * 1) + export_seconds(2))


def test_another_terminal_is_told_the_same(study: Study, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path, "mine")
    folder.create(study)
    folder.use_seconds(36000)
    with folder.lock():
        journal = open_journals(study, [ALL], folder)[ALL]
        progress = LiveProgress(study, {"all": []}, seconds=36000)
        for epochs in (2, 1, 1):
            given = journal.ask()
            assert given is not None
            progress.trial_started(given.trial_id, given.values, "all")
            for epoch in range(1, epochs + 1):
                journal.epoch(given.trial_id, epoch, AUROC["mean"])
                progress.trial_epoch(TrialEpoch(given.trial_id, epoch, AUROC, {}, 1.0, 1.0, 1.0))
        journal.finished("0000", AUROC)
        progress.trial_ended("0000", "FINISHED")
        journal.stopped("0001", AUROC, "asha")
        progress.trial_ended("0001", "KILLED", stopped_by="asha")

        command = ["studies", "status", "mine", "--results", str(tmp_path)]
        told = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
        shown = CliRunner().invoke(app, command).output
    said = progress.standing().document()
    for key in ("counts", "bests"):
        assert told[key] == said[key]
    for key in ("seconds", "seconds_left", "trials_a_minute", "epochs_a_minute", "cost"):
        assert told[key] == pytest.approx(said[key], rel=0.02)
    assert told["state"] == "running"
    assert "2 of 4 trials, 10:00:00 so far, about 21:00:12 left with finals" in shown
    assert [trial["state"] for trial in told["trials"]] == ["finished", "stopped", "in_training"]
    in_table, in_line = (line for line in shown.splitlines() if "in training" in line)
    assert "0002" in in_table
    assert "1 in training" in in_line
    assert "unfinished" not in shown
    assert "mine: running, by process" in shown

    stopped = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert stopped["counts"] | {"in_training": 0, "to_come": 2} == stopped["counts"]
    assert [o.in_training for o in read_outcomes(ALL, folder)] == [False, False, True]


def test_the_time_left_begins_with_the_trials_pace_and_goes_on_with_its_own() -> None:
    now = 0.0
    progress = FinalsProgress(2, expected=100.0, then=20.0, now=lambda: now)
    progress.finals_begin(4)
    assert progress.line() == (
        "training finals, 0 of 4 done; training baselines, 0 of 2 done; about 01:40 left"
    )
    now = 60.0
    assert progress.line().endswith("about 00:40 left")
    now = 80.0  # What was expected is over, and nothing has ended that would tell more.
    assert progress.line().endswith("0 of 2 done")

    baseline, _ = ANCHOR_KEYS
    progress.task_ended(baseline)
    progress.task_ended((0, 1))  # a final's own task
    now = 90.0
    progress.final_ended()
    assert progress.line() == (
        "training finals, 1 of 4 done; training baselines, 1 of 2 done; about 00:50 left"
    )


def test_finals_that_are_there_already_take_no_time() -> None:
    progress = FinalsProgress(2, expected=None, then=20.0, now=lambda: 0.0)
    progress.finals_begin(0)
    assert progress.line() == "training baselines, 0 of 2 done"
    for key in ANCHOR_KEYS:
        progress.task_ended(key)
    assert progress.line() == "training baselines, 2 of 2 done; about 00:20 left"


def test_a_trial_that_breaks_a_constraint_is_not_shown_as_the_best(study: Study) -> None:
    bound = {"constraints": {"address_perplexity": {"at_most": 0.5}}}
    study = Study.model_validate(
        {**study.model_dump(mode="json", exclude={"space"}), **bound, "space": study.space}
    )
    progress = LiveProgress(study, {"all": []})
    for trial, auroc, perplexity in (("0000", 0.9, 0.8), ("0001", 0.7, 0.4)):
        progress.trial_started(trial, {}, "all")
        health = {"address_perplexity": {"0": perplexity, "mean": perplexity}}
        progress.trial_epoch(TrialEpoch(trial, 2, {"mean": auroc}, {}, 1.0, 1.0, 1.0, health))
        progress.trial_ended(trial, "FINISHED")
    assert progress.standing().bests["all"].trial_id == "0001"


def test_time_that_is_up_ends_a_study_though_trials_are_left(study: Study) -> None:
    by_time = study.with_options(time_budget="60s")
    ended = {"all": [TrialOutcome("0000", "finished", {}, 2, AUROC)]}
    assert not budget_spent(by_time, ended, 59)
    assert budget_spent(by_time, ended, 60)
    assert not budget_spent(study, ended, 60)
    assert standing(by_time, ended, 60, set(), concluded=True).seconds_left is None
