from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from search.cli.app import app
from search.results.study_folder import StudyFolder
from search.study.groups import ClassGroup
from search.study.study import Study
from search.trials.tune_loop import open_journals, read_outcomes
from search.workflow.live_progress import LiveProgress
from search.workflow.study_status import standing_table
from tracking.facts import TrialEpoch

ALL = ClassGroup("all", ("0", "1"), "")
AUROC = {"0": 0.8, "1": 0.7, "mean": 0.75}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


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
    stream = _Terminal()
    with LiveProgress(study, {"all": []}, seconds=600, stream=stream) as progress:
        assert progress.standing().seconds_left is None
        _run(progress)
        now = progress.standing()
    assert list(now.counts.values()) == [1, 1, 0, 1, 1]
    assert now.seconds_left == pytest.approx(600 * 1.5 / 2.5, rel=0.01)
    assert now.cost == pytest.approx(0.5, rel=0.01)
    console = Console(file=io.StringIO(), width=120)
    console.print(standing_table(study, now))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for line in (
        "2 of 4 trials, 10:00 so far, about 06:00 left",
        "1 finished, 1 stopped, 1 in training, 1 to come",
        "75.00 (trial 0000): learning_rate 0.01, memory_units 20, memory_dim 8",
        "0 80.00, 1 70.00",
        "0.2 trials, 0.4 epochs a minute",
        "0.50 so far, about 0.80 in all, at 3 an hour",
    ):
        assert line in text
    assert "0 of 4 trials" in stream.getvalue()


def test_a_pipe_stays_empty(study: Study) -> None:
    stream = io.StringIO()
    with LiveProgress(study, {"all": []}, stream=stream) as progress:
        _run(progress)
    assert stream.getvalue() == ""


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
    assert "2 of 4 trials, 10:00:00 so far, about 6:00:00 left" in shown
    assert "mine: running, by process" in shown

    stopped = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert stopped["counts"] | {"in_training": 0, "to_come": 2} == stopped["counts"]
    assert [o.in_training for o in read_outcomes(ALL, folder)] == [False, False, True]
