"""The trial loop through real Ray: what a scheduler, a fault and Ctrl-C do to trials."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recorder import Recorder

from memgan.config.configuration import Runtime
from memgan.config.typed import DataConfig
from memgan.data import Split, load_split
from memgan.errors import DataError, UnknownName
from memgan.training.lockstep import Training
from search.finals.certainty import stored_influences
from search.journal.outcomes import TrialsResult
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups, safe_name
from search.study.study import Study
from search.trials.checkpoints import stored
from search.trials.tune_loop import open_journals, read_outcomes, run_trials
from search.workflow.preparation import prepare


def _study(**sections: Any) -> Study:
    content: dict[str, Any] = {
        "name": "tiny",
        "normal_class": "0,1",
        "space": {"learning_rate": {"low": 1e-6, "high": 0.01, "log": True}},
        "fixed": {
            "epochs": 4,
            "batch_size": 64,
            "width": 2,
            "memory_units": 4,
            "memory_dim": 4,
        },
        "scheduler": {"name": "asha", "grace_epochs": 2, "reduction_factor": 2},
        "resources": {"checkpoint_epochs": 2, "max_concurrent": 1},
    }
    return Study.model_validate({**content, **sections})


def _run(study: Study, split: Split, results: Path, listener: Recorder) -> TrialsResult:
    folder = StudyFolder(results, study.name)
    if not folder.exists:
        folder.create(study)
    group = class_groups(study, split.normal_classes)[0]
    with folder.lock():
        return run_trials(
            study,
            [group],
            split.development,
            folder,
            listener,
        )[0]


@pytest.mark.usefixtures("_ray")
def test_normals_alone_are_searched_by_anomalies_made_from_them(tmp_path: Path) -> None:
    labelled = load_split(DataConfig(source="digits"))
    threes = np.concatenate([labelled.development.train.of_class("3"), labelled.test.of_class("3")])
    np.savez(tmp_path / "threes.npz", x=threes, y=np.array(["3"] * len(threes)))
    study, split, _ = prepare(
        _study(
            data={"source": str(tmp_path / "threes.npz")},
            normal_class="all",
            scheduler={"name": "none"},
            start_from=[{"learning_rate": 1e-6}, {"learning_rate": 0.01}],
            budget={"trials": 2},
        ),
        download=False,
    )

    recorder = Recorder()
    result = _run(study, split, tmp_path / "results", recorder)

    assert result.counts() == {"finished": 2, "stopped": 0, "failed": 0, "unfinished": 0}
    untrained, trained = (outcome.mean for outcome in result.outcomes)
    assert untrained is not None
    assert trained is not None
    assert untrained < trained < 1
    assert result.best is result.outcomes[1]
    kinds = split.development.made_kinds("3")
    told = {trial: by_kind for trial, _, by_kind in recorder.of("trial_made")}
    for outcome in result.outcomes:
        assert set(outcome.made_auroc) == set(kinds) == set(told[outcome.trial_id])
        means = [figures["mean"] for figures in outcome.made_auroc.values()]
        assert told[outcome.trial_id] == {
            kind: figures["mean"] for kind, figures in outcome.made_auroc.items()
        }
        assert outcome.mean == pytest.approx(np.mean(means), abs=1e-5)
    kept = stored_influences(result.outcomes, StudyFolder(tmp_path / "results", "tiny").checkpoints)
    assert {len(of_trial) for of_trial in kept.values()} == {len(split.development.validation)}
    assert set(kept) == {"0000", "0001"}


@pytest.mark.usefixtures("_ray")
def test_a_trial_of_several_seeds_is_judged_by_their_mean_and_goes_on_with_all(
    split: Split, tmp_path: Path
) -> None:
    start = [{"learning_rate": 5e-3}, {"learning_rate": 1e-3}]
    study = _study(
        trial_seeds=2, seed=7, start_from=start, budget={"trials": 2}, scheduler={"name": "none"}
    )
    recorder = Recorder()
    result = _run(study, split, tmp_path, recorder)

    configuration = study.configuration(start[0], Runtime(device="cpu"))
    means = []
    for seed in (7, 8):
        alone = Training(configuration, split.development, classes=("0", "1"), seed=seed)
        while not alone.finished:
            report = alone.advance()
        means.append(report.mean_val_auroc)
    first = result.outcomes[0]
    assert first.mean == pytest.approx(np.mean(means), abs=1e-6)
    assert first.val_auroc_sd["mean"] == pytest.approx(np.std(means, ddof=1), abs=1e-6)
    assert set(first.val_auroc_sd) == {"0", "1", "mean"}
    told = recorder.epochs("0000")[-1]
    assert told.val_auroc_sd == first.val_auroc_sd
    assert told.val_auroc == first.val_auroc
    folder = StudyFolder(tmp_path, "tiny").checkpoints
    assert set(stored_influences(result.outcomes, folder)) == {"0000", "0001"}
    assert first.checkpoint is not None
    kept = stored(folder, first.checkpoint).local
    assert kept is not None
    assert len(torch.load(kept / "training.pt", weights_only=True)["more_seeds"]) == 1


DRIVER = """
import sys
from pathlib import Path
from memgan.data import load_split
from search.ray.connection import connect
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups, safe_name
from search.trials.checkpoints import stored
from search.trials.tune_loop import run_trials

class Tell:
    def __getattr__(self, event):
        return lambda value, *values: print(event, getattr(value, "epoch", value), flush=True)

folder = StudyFolder(Path(sys.argv[1]), "tiny")
study = folder.load()
split = load_split(study.data)
group = class_groups(study, split.normal_classes)[0]
with folder.lock(), connect(sys.argv[2]):
    (result,) = run_trials(study, [group], split.development, folder, Tell())
sys.exit(130 if result.interrupted else 0)
"""


@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.kill)]
)
def test_a_signal_and_resume_give_the_same_trials_and_none_twice(
    number: signal.Signals, split: Split, tmp_path: Path
) -> None:
    study = _study(
        fixed={"epochs": 12, "batch_size": 32, "width": 2, "memory_units": 4, "memory_dim": 4},
        scheduler={"name": "none"},
        budget={"trials": 3},
    )
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    import ray

    address = ray.get_runtime_context().gcs_address
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path), address], stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    for line in driver.stdout:
        if line.startswith("trial_epoch") and int(line.split()[1]) >= 3:
            break
    driver.send_signal(number)
    assert driver.wait(timeout=120) == 130

    group = class_groups(study, split.normal_classes)[0]
    before = {o.trial_id: o for o in read_outcomes(group, folder)}
    assert any(o.state == "unfinished" for o in before.values())
    recorder = Recorder()
    result = _run(study, split, tmp_path, recorder)

    assert [o.trial_id for o in result.outcomes] == ["0000", "0001", "0002"]
    assert result.counts()["finished"] == 3
    for trial_id, outcome in before.items():
        after = next(o for o in result.outcomes if o.trial_id == trial_id)
        assert after.values == outcome.values
        epochs = [e.epoch for e in recorder.epochs(trial_id)]
        assert epochs == list(range(outcome.epochs + 1, study.epochs + 1))
    cut = next(trial_id for trial_id, o in before.items() if o.state == "unfinished")
    resumed = next(o for o in result.outcomes if o.trial_id == cut)
    assert resumed.val_auroc == _undisturbed(study, resumed.values, split)


def _undisturbed(study: Study, values: dict[str, Any], split: Split) -> dict[str, float]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        configuration = study.configuration(values, Runtime(device="cpu"))
        training = Training(configuration, split.development, classes=("0", "1"), seed=study.seed)
        while not training.finished:
            report = training.advance()
    finally:
        torch.set_num_threads(threads)
    return {**report.val_auroc, "mean": report.mean_val_auroc}


def test_spent_time_is_told_and_starts_nothing(split: Split, tmp_path: Path) -> None:
    study = _study(budget={"trials": 2, "time": 60})
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    folder.use_seconds(61)
    result = _run(study, split, tmp_path, Recorder())
    assert result.timed_out
    assert result.outcomes == ()


def test_a_finished_study_needs_no_ray(split: Split, tmp_path: Path) -> None:
    study = _study(budget={"trials": 1})
    folder = StudyFolder(tmp_path, study.name)
    folder.create(study)
    (group,) = class_groups(study, split.normal_classes)
    journal = open_journals(study, [group], folder)[group]
    suggestion = journal.ask()
    assert suggestion is not None
    journal.finished(suggestion.trial_id, {"0": 0.9, "1": 0.7, "mean": 0.8})

    started = time.monotonic()
    result = _run(study, split, tmp_path, Recorder())

    assert time.monotonic() - started < 5
    assert result.best is not None
    assert result.best.mean == 0.8


def test_groups_follow_the_protocol() -> None:
    shared = class_groups(_study(), ("0", "1", "2"))
    apart = class_groups(_study(protocol="per-class", normal_class="all"), ("0", "1 a"))
    assert [(g.name, g.classes, g.prefix) for g in shared] == [("all", ("0", "1"), "")]
    assert [(g.classes, g.prefix) for g in apart] == [
        (("0",), "0-"),
        (("1 a",), f"{safe_name('1 a')}-"),
    ]
    with pytest.raises(UnknownName, match="normal class '1'"):
        class_groups(_study(), ("0", "2"))


def test_a_class_without_labelled_validation_is_refused(split: Split, tmp_path: Path) -> None:
    development = split.development
    normals = development.validation.labels == 0
    blind = type(development)(development.train, development.validation.take(normals.nonzero()[0]))
    folder = StudyFolder(tmp_path, "tiny")
    folder.create(_study())
    group = class_groups(_study(), ("0", "1"))[0]
    with pytest.raises(DataError, match="no labelled anomalies"):
        run_trials(_study(), [group], blind, folder, Recorder())
