"""Each scheduler in real searches at the default concurrency of two cores: whom it stops, whom it
changes, and that all who were told agree on it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from mlflow.tracking import MlflowClient
from optuna.trial import TrialState
from recorder import Recorder

from memgan.data import Split
from search.journal.journal import read_studies
from search.journal.outcomes import TrialsResult
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.trials.tune_loop import open_journals, run_trials
from search.workflow.ending import ending
from search.workflow.preparation import make_record
from tracking import resolve
from tracking.outbox.delivery import deliver
from tracking.outbox.outbox import EXPERIMENT, Outbox
from tracking.stores.mlflow_tracker import MlflowTracker

GOOD, POOR = {"learning_rate": 1e-2}, {"learning_rate": 1e-6}


pytestmark = pytest.mark.usefixtures("_ray")


def _study(name: str, **sections: Any) -> Study:
    content: dict[str, Any] = {
        "name": name,
        "normal_class": "0,1",
        "space": {"learning_rate": {"low": 1e-6, "high": 0.02, "log": True}},
        "fixed": {"epochs": 6, "batch_size": 32, "width": 4, "memory_units": 4, "memory_dim": 4},
        "start_from": [GOOD, GOOD, GOOD, POOR, POOR, POOR],
        "budget": {"trials": 6},
        "resources": {"checkpoint_epochs": 6},
    }
    return Study.model_validate({**content, **sections})


def _run(study: Study, split: Split, results: Path, listener: Any) -> list[TrialsResult]:
    folder = StudyFolder(results, study.name)
    folder.create(study)
    groups = class_groups(study, split.normal_classes)
    with folder.lock():
        return run_trials(study, groups, split.development, folder, listener)


def _in_the_long_run(name: str, **options: float) -> ParameterSet:
    """What it decides is held by quick tests without Ray; ASHA goes through Ray in each run."""
    scheduler = {"name": name, **options}
    return pytest.param(scheduler, marks=pytest.mark.slow, id=name)


@pytest.mark.parametrize(
    "scheduler",
    [
        _in_the_long_run("asha", grace_epochs=2, reduction_factor=2),
        _in_the_long_run("hyperband", grace_epochs=2, reduction_factor=2, brackets=2),
        _in_the_long_run("median", grace_epochs=2, min_trials=2),
    ],
    ids=lambda scheduler: scheduler["name"],
)
def test_trials_that_are_behind_are_stopped_and_good_ones_are_not(
    scheduler: dict[str, Any], split: Split, tmp_path: Path
) -> None:
    study = _study(scheduler["name"], scheduler=scheduler)
    (result,) = _run(study, split, tmp_path, Recorder())
    stopped = [o for o in result.outcomes if o.state == "stopped"]
    assert stopped
    assert {o.stopped_by for o in stopped} == {scheduler["name"]}
    assert all(o.values == POOR and 2 <= o.epochs < 6 for o in stopped)
    assert result.counts()["finished"] == 6 - len(stopped)


@pytest.mark.parametrize(
    "scheduler",
    [
        _in_the_long_run("asha", grace_epochs=1, reduction_factor=2),
        _in_the_long_run("hyperband", grace_epochs=1, reduction_factor=2),
        _in_the_long_run("pbt", interval_epochs=1, quantile=0.5),
    ],
    ids=lambda scheduler: scheduler["name"],
)
def test_a_finite_space_ends_when_every_point_was_tried_once(
    scheduler: dict[str, Any], split: Split, tmp_path: Path
) -> None:
    study = _study(
        "finite",
        space={"learning_rate": [1e-2, 1e-6], "memory_units": [4, 8]},
        fixed={"epochs": 2, "batch_size": 32, "width": 2, "memory_dim": 4},
        start_from=[],
        budget={"trials": 9},
        scheduler=scheduler,
    )
    recorder = Recorder()
    (result,) = _run(study, split, tmp_path, recorder)

    assert ending(study, result).endswith("the space has 4 points, and all were tried")
    # A member of a population starts once a generation.
    began = {
        trial_id: dict(params) for trial_id, params, _ in reversed(recorder.of("trial_started"))
    }
    points = [(params["learning_rate"], params["memory_units"]) for params in began.values()]
    assert sorted(points) == [(1e-6, 4), (1e-6, 8), (1e-2, 4), (1e-2, 8)]
    (trials,) = (found.trials for found in read_studies(_journal(tmp_path, study)).values())
    assert len(trials) == 4
    assert result.best is not None


def _journal(results: Path, study: Study) -> Path:
    return StudyFolder(results, study.name).journal


def test_a_population_changes_its_worst_and_goes_on_from_the_weights_of_its_best(
    split: Split, tmp_path: Path
) -> None:
    study = _study(
        "pbt",
        scheduler={"name": "pbt", "interval_epochs": 2, "quantile": 0.5},
        start_from=[GOOD, GOOD, POOR, POOR],
        budget={"trials": 4},
    )
    recorder = Recorder()
    (result,) = _run(study, split, tmp_path, recorder)

    assert result.counts()["finished"] == 4
    changed = recorder.of("trial_changed")
    first = [values for values in changed if values[1] == 3]
    assert {trial_id for trial_id, _, _ in first} == {"0002", "0003"}
    assert {params["weights_from"] for _, _, params in first} <= {"0000", "0001"}
    assert len(changed) == 4  # two generations, two members each
    for outcome in result.outcomes:
        epochs = [e.epoch for e in recorder.epochs(outcome.trial_id)]
        assert epochs == [1, 2, 3, 4, 5, 6]
        assert min(outcome.values["learning_rate"], 0.9) > POOR["learning_rate"]
        mine = [values for values in changed if values[0] == outcome.trial_id]
        if mine:
            _, epoch, params = mine[-1]
            assert outcome.schedule[epoch]["learning_rate"] == params["learning_rate"]
    best = result.best
    assert best is not None
    assert best.mean > 0.9


def test_classes_on_their_own_share_the_machine_and_not_their_rungs(
    split: Split, tmp_path: Path
) -> None:
    study = _study(
        "apart",
        protocol="per-class",
        scheduler={"name": "asha", "grace_epochs": 2, "reduction_factor": 2},
        start_from=[GOOD, GOOD, POOR, POOR],
        budget={"trials": 4},
    )
    results = _run(study, split, tmp_path, Recorder())

    # As they were handed out; which of two workers is the first to begin is not ours to say.
    groups = read_studies(StudyFolder(tmp_path, study.name).journal)
    handed_out = [(t.datetime_start, prefix) for prefix in groups for t in groups[prefix].trials]
    assert [prefix for _, prefix in sorted(handed_out)] == ["0-", "1-"] * 4
    for name, result in zip(("0", "1"), results, strict=True):
        assert [o.trial_id for o in result.outcomes] == [f"{name}-000{n}" for n in range(4)]
        assert result.counts()["stopped"] >= 1
        assert result.counts()["finished"] >= 1  # How many depends on who reports first.
        assert all(set(o.val_auroc) == {name, "mean"} for o in result.outcomes)


class Broken:
    """A listener that fails at everything."""

    def __getattr__(self, event: str) -> Any:
        raise RuntimeError("nobody listens")


class Both:
    """A listener that tells two others the same."""

    def __init__(self, *listeners: Any) -> None:
        self._listeners = listeners

    def __getattr__(self, event: str) -> Any:
        told = [getattr(listener, event) for listener in self._listeners]

        def tell(*values: Any) -> None:
            for one in told:
                one(*values)

        return tell


@pytest.fixture(scope="module")
def every_end(
    _ray: None, split: Split, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Study, StudyFolder, TrialsResult, Recorder]:
    """A search with ASHA of a trial that fails, some that are good and some that are stopped; a
    second listener fails at everything."""
    study = _study(
        "agreement",
        space={
            "learning_rate": {"low": 1e-6, "high": 0.02, "log": True},
            "cycle_weight": [1.0, 1e300],
        },
        scheduler={"name": "asha", "grace_epochs": 2, "reduction_factor": 2},
        start_from=[
            GOOD | {"cycle_weight": 1.0},
            GOOD | {"cycle_weight": 1e300},
            GOOD | {"cycle_weight": 1.0},
            POOR | {"cycle_weight": 1.0},
            POOR | {"cycle_weight": 1.0},
        ],
        budget={"trials": 5},
    )
    folder = StudyFolder(tmp_path_factory.mktemp("results"), study.name)
    folder.create(study)
    groups = class_groups(study, split.normal_classes)
    record, recorder = make_record(study, folder, split), Recorder()
    with folder.lock():
        record.study_started({})
        listener = Both(record, recorder)
        (result,) = run_trials(
            study, groups, split.development, folder, listener, progress=Broken()
        )
        record.study_ended("FINISHED")
    return study, folder, result, recorder


def test_every_end_of_a_trial_is_told_as_what_it_was(
    every_end: tuple[Study, StudyFolder, TrialsResult, Recorder], split: Split
) -> None:
    study, folder, result, recorder = every_end
    assert [o.trial_id for o in result.outcomes] == ["0000", "0001", "0002", "0003", "0004"]
    counts = result.counts()
    assert counts["failed"] == 1
    assert counts["stopped"] >= 1
    assert counts["finished"] >= 2
    assert counts["unfinished"] == 0
    assert result.best is not None
    assert result.best.epochs == study.epochs

    (group,) = class_groups(study, split.normal_classes)
    journal = open_journals(study, [group], folder)[group]
    history = dict(journal.history())
    optuna_states = journal.states()
    ends = {trial: (status, error, by) for trial, status, error, by in recorder.of("trial_ended")}
    for outcome in result.outcomes:
        state = optuna_states[outcome.trial_id]
        status, error, stopped_by = ends[outcome.trial_id]
        told = recorder.epochs(outcome.trial_id)
        assert history[outcome.trial_id] == {e.epoch: e.val_auroc["mean"] for e in told}
        if outcome.state == "finished":
            assert (state, status) == (TrialState.COMPLETE, "FINISHED")
            assert outcome.epochs == study.epochs
            assert set(outcome.val_auroc) == {"0", "1", "mean"}
            assert outcome.checkpoint is not None
            assert (folder.tune / outcome.checkpoint / "training.pt").is_file()
        elif outcome.state == "stopped":
            assert (state, status, stopped_by) == (TrialState.PRUNED, "KILLED", "asha")
            assert outcome.values["learning_rate"] == POOR["learning_rate"]
            assert 2 <= outcome.epochs < study.epochs
            assert sorted(history[outcome.trial_id]) == list(range(1, outcome.epochs + 1))
        else:
            assert (state, status) == (TrialState.FAIL, "FAILED")
            assert error == outcome.error
            assert "diverged" in error
            assert "\n" not in error
    failures = list(folder.tune.glob("*/0001-006/error.txt"))
    assert [file.read_text().count("Failure #") for file in failures] == [1]


def test_journal_record_and_tune_agree_on_every_trial(
    every_end: tuple[Study, StudyFolder, TrialsResult, Recorder], split: Split, fresh_store: Path
) -> None:
    study, folder, result, _ = every_end
    shutil.copy(fresh_store, folder.results / "mlflow.db")
    groups = class_groups(study, split.normal_classes)
    journal = open_journals(study, groups, folder)[groups[0]]
    states, history = journal.states(), dict(journal.history())
    runs = _runs(folder)
    tunes = _tunes_own(folder)
    ids = [o.trial_id for o in result.outcomes]
    assert list(states) == sorted(runs) == sorted(tunes) == ids
    ends = {
        TrialState.COMPLETE: ("FINISHED", "TERMINATED"),
        TrialState.PRUNED: ("KILLED", "TERMINATED"),
        TrialState.FAIL: ("FAILED", "ERROR"),
    }
    for outcome in result.outcomes:
        status, steps, tags = runs[outcome.trial_id]
        tunes_status, tunes_epoch, tunes_mean = tunes[outcome.trial_id]
        assert (status, tunes_status) == ends[states[outcome.trial_id]]
        assert steps == history[outcome.trial_id]
        if outcome.state == "failed":
            assert tags["memgan.error"] == outcome.error
            assert "diverged" in tags["memgan.error"]
        else:
            assert steps[outcome.epochs] == outcome.mean == tunes_mean
            assert max(steps) == outcome.epochs == tunes_epoch
            assert (outcome.epochs == study.epochs) == (outcome.state == "finished")
            assert tags.get("memgan.stopped_by") == outcome.stopped_by
    assert result.best is not None
    assert result.best.state == "finished"


def _runs(folder: StudyFolder) -> dict[str, tuple[str, dict[int, float], dict[str, str]]]:
    """(status, mean AUROC by epoch, tags) of the trials' runs in a real MLflow store."""
    outbox = Outbox(folder.outbox)
    outbox.set_fact(EXPERIMENT, folder.name)
    location = resolve(None, folder.results)
    deliver(outbox, MlflowTracker(location.uri))
    client = MlflowClient(location.uri)
    experiment = client.get_experiment_by_name(folder.name)
    assert experiment is not None
    found = {}
    for run in client.search_runs([experiment.experiment_id]):
        tags = run.data.tags
        if tags["memgan.kind"] == "trial":
            metrics = client.get_metric_history(run.info.run_id, "val_auroc/mean")
            steps = {metric.step: metric.value for metric in metrics}
            found[tags["memgan.trial_id"]] = (run.info.status, steps, tags)
    return found


def _tunes_own(folder: StudyFolder) -> dict[str, tuple[str, int, float]]:
    """(status, last epoch, its mean AUROC) of the trials, from the state that Tune wrote."""
    (state,) = folder.tune.glob("*/experiment_state-*.json")
    found = {}
    for described, measured in json.loads(state.read_text())["trial_data"]:
        trial, last = json.loads(described), json.loads(measured)["last_result"]
        epoch, mean = last.get("epoch", 0), last["val_auroc"]["mean"]
        found[trial["config"]["trial_id"]] = (trial["status"], epoch, mean)
    return found
