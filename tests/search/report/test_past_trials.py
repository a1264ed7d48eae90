"""The trials of a study for Python: a pandas table, and a study of Optuna with its own name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest

from memgan.bundle import load_bundle, write_bundle
from memgan.config.configuration import Configuration
from memgan.data import Split
from memgan.errors import StudyError, UnknownName
from memgan.training import train_cell
from search.journal import Journal, open_to_write, read_outcomes
from search.report.past_trials import optuna_study, trials_dataframe
from search.results.beginning import Beginning
from search.results.study_folder import StudyFolder
from search.study.groups import class_groups
from search.study.study import Study
from search.workflow.study_result import StudyResult
from tracking import Outbox, Record, Remainder, StudyFacts, TrialEpoch

Make = Callable[..., Study]
Fill = Callable[[Path, Study, Sequence[str]], None]
CLASSES = ("3", "T-shirt/top")


@pytest.fixture
def put(tmp_path: Path, make_study: Make, fill: Fill) -> Callable[..., StudyFolder]:
    """(protocol, **values) -> the folder of a study with twelve trials a group."""

    def make(protocol: str = "shared", **values: Any) -> StudyFolder:
        study = make_study(protocol, **values)
        folder = StudyFolder(tmp_path / "results", study.name)
        prefixes = {g.name: g.prefix for g in class_groups(study, CLASSES) if g.prefix}
        folder.create(study, Beginning(split_hash="a1" * 32, prefixes=prefixes))
        fill(folder.journal, study, CLASSES)
        return folder

    return make


def test_every_trial_is_a_row_with_its_figures_and_values(put: Callable[..., StudyFolder]) -> None:
    folder = put()
    outcomes = {o.trial_id: o for o in read_outcomes(folder.journal)}

    frame = trials_dataframe("shown", results=folder.results)

    assert list(frame.columns) == [
        *("trial", "normal_class", "state", "winner", "epochs"),
        *("val_auroc/mean", "val_auroc/3", "val_auroc/T-shirt/top"),
        *(f"values/{name}" for name in folder.load().space),
        *("seconds", "run_id", "why"),
    ]
    assert list(frame["trial"]) == list(outcomes)
    assert set(frame["normal_class"]) == {"all"}
    for row in frame.to_dict("records"):
        outcome = outcomes[row["trial"]]
        assert (row["state"], row["epochs"]) == (outcome.state, outcome.epochs)
        assert row["values/memory_units"] == outcome.values["memory_units"]
        if outcome.state == "finished":
            assert row["val_auroc/T-shirt/top"] == outcome.val_auroc["T-shirt/top"]
        why = {"failed": "loss of <b>3</b> is nan; lower the rate", "stopped": "asha"}
        assert row["why"] == why.get(outcome.state) or row["state"] == "finished"
    finished = frame[frame["state"] == "finished"]
    (winner,) = frame[frame["winner"]]["val_auroc/mean"]
    assert winner == finished["val_auroc/mean"].max()
    assert frame["val_auroc/mean"].dtype == "float64"
    assert frame[frame["state"] == "failed"]["val_auroc/mean"].isna().all()


def test_seconds_of_training_and_runs_come_from_the_record(
    put: Callable[..., StudyFolder],
) -> None:
    folder = put()
    assert trials_dataframe("shown", results=folder.results)["run_id"].isna().all()
    facts = StudyFacts(
        study_id=folder.study_id,
        name="shown",
        dataset="digits",
        detector="memgan",
        protocol="shared",
        split_hash="a1" * 32,
    )
    record = Record(Outbox(folder.outbox), facts)
    record.trial_started("0000", {})
    for epoch, seconds in ((1, 1.5), (2, 2.0)):
        losses = {"cycle": float("nan")}
        record.trial_epoch(TrialEpoch("0000", epoch, {"3": 0.9}, losses, seconds, 1.0, 1.0))
    record.outbox.set_run_id(record.trial_key("0000"), "f00d")

    frame = trials_dataframe("shown", results=folder.results).set_index("trial")

    assert frame.loc["0000", "run_id"] == "f00d"
    assert frame.loc["0000", "seconds"] == 3.5
    assert frame["seconds"].notna().sum() == 1


def test_a_lost_outbox_costs_runs_and_seconds_and_no_trial(
    put: Callable[..., StudyFolder],
) -> None:
    folder = put()
    folder.outbox.write_bytes(b"no database at all" * 100)

    frame = trials_dataframe("shown", results=folder.results)

    assert len(frame) == 12
    assert frame["seconds"].isna().all()


def test_a_study_without_trials_is_an_empty_table_with_all_columns(
    tmp_path: Path, make_study: Make
) -> None:
    folder = StudyFolder(tmp_path / "results", "shown")
    folder.create(make_study())

    frame = trials_dataframe("shown", results=folder.results)

    assert len(frame) == 0
    assert {"trial", "val_auroc/mean", "values/memory_units", "run_id"} <= set(frame.columns)


def test_optuna_has_the_studys_name_and_the_parameters_own_values(
    put: Callable[..., StudyFolder],
) -> None:
    folder = put()
    outcomes = {o.trial_id: o for o in read_outcomes(folder.journal)}
    before = folder.journal.read_bytes()

    study = optuna_study("shown", results=folder.results)

    assert study.study_name == "shown"
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert study.metric_names == ["val-auroc"]
    assert len(study.trials) == len(outcomes) == 12
    for trial in study.trials:
        outcome = outcomes[trial.user_attrs["trial"]]
        assert trial.params == outcome.values
        assert (
            trial.state.name
            == {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}[outcome.state]
        )
        assert trial.user_attrs.get("val_auroc", outcome.val_auroc) == outcome.val_auroc
        assert len(trial.intermediate_values) == outcome.epochs
    assert {trial.params["memory_units"] for trial in study.trials} <= {25, 50, 100}
    assert (
        study.best_params
        == max(
            (o for o in outcomes.values() if o.state == "finished"), key=lambda o: o.mean or 0
        ).values
    )
    assert folder.journal.read_bytes() == before
    # What people do with one: a table, importances, another trial.
    assert "params_memory_units" in study.trials_dataframe().columns
    study.add_trial(study.trials[0])


def test_of_several_objectives_the_copy_has_them_all(tmp_path: Path, make_study: Make) -> None:
    study = make_study(objective=["val-auroc", "scoring-seconds"], scheduler="none")
    folder = StudyFolder(tmp_path / "results", study.name)
    folder.create(study)
    journal = Journal(open_to_write(folder.journal), study)
    asked = journal.ask()
    assert asked is not None
    journal.finished(asked.trial_id, {"3": 0.9, "mean": 0.9}, {"scoring-seconds": 0.001})

    copy = optuna_study("shown", results=folder.results)

    assert [direction.name for direction in copy.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert copy.metric_names == ["val-auroc", "scoring-seconds"]
    assert [trial.values for trial in copy.best_trials] == [[0.9, 0.001]]


def test_a_study_that_waits_keeps_its_starting_points_in_their_own_values(
    tmp_path: Path, make_study: Make
) -> None:
    study = make_study(start_from=[{"memory_units": 100}])
    folder = StudyFolder(tmp_path / "results", study.name)
    folder.create(study)
    journal = Journal(open_to_write(folder.journal), study)

    (waiting,) = optuna_study("shown", results=folder.results).trials
    assert waiting.state == optuna.trial.TrialState.WAITING
    assert waiting.system_attrs["fixed_params"] == {"memory_units": 100}

    asked = journal.ask()
    assert asked is not None
    (running,) = optuna_study("shown", results=folder.results).trials
    assert running.params == asked.values


def test_of_a_search_by_class_one_class_is_asked_for(put: Callable[..., StudyFolder]) -> None:
    folder = put("per-class")

    with pytest.raises(StudyError, match="say which one with normal_class: 3, T-shirt/top"):
        optuna_study("shown", results=folder.results)
    with pytest.raises(UnknownName):
        optuna_study("shown", results=folder.results, normal_class="4")
    study = optuna_study("shown", results=folder.results, normal_class="T-shirt/top")

    assert study.study_name == "shown, class T-shirt/top"
    assert len(study.trials) == 12
    frame = trials_dataframe("shown", results=folder.results)
    assert frame["normal_class"].value_counts().to_dict() == {"3": 12, "T-shirt/top": 12}
    assert frame.groupby("normal_class")["winner"].sum().to_dict() == {"3": 1, "T-shirt/top": 1}


def test_a_copy_can_be_written_where_optunas_other_tools_read_it(
    put: Callable[..., StudyFolder], tmp_path: Path
) -> None:
    folder, address = put(), f"sqlite:///{tmp_path}/copy.db"

    optuna_study("shown", results=folder.results, storage=address)

    assert optuna.get_all_study_names(address) == ["shown"]
    with pytest.raises(StudyError, match="has a study shown already; remove that one"):
        optuna_study("shown", results=folder.results, storage=address)
    for nonsense in ("copy.db", f"sqlite:///{tmp_path}/not/there/copy.db"):
        with pytest.raises(StudyError, match="the storage cannot be used"):
            optuna_study("shown", results=folder.results, storage=nonsense)


def test_a_study_that_is_not_there_is_named(tmp_path: Path) -> None:
    for ask in (trials_dataframe, optuna_study):
        with pytest.raises(StudyError, match="shown"):
            ask("shown", results=tmp_path)


def test_bundles_and_splits_show_themselves_in_a_line(split: Split, tmp_path: Path) -> None:
    settings = {"detector": "pca", "parameters": {"components": 4}, "runtime": {"device": "cpu"}}
    configuration = Configuration.model_validate(settings)
    cell = train_cell(configuration, split.development, split.test, "3", seed=0)
    write_bundle(tmp_path / "3", configuration, split, [cell], 0.1)
    bundle = load_bundle(tmp_path / "3", backend="onnx")

    assert repr(bundle) == "Bundle(pca, normal class 3, images 1×8×8, scores by onnx)"
    assert repr(split).startswith("Split(digits: ")
    assert repr(split.test) == f"LabeledImages({len(split.test)} images of 1×8×8, 10 classes)"
    assert len(repr(split)) <= 160


def test_results_studies_and_configurations_show_themselves_in_a_line_or_two(
    put: Callable[..., StudyFolder], make_report: Make
) -> None:
    folder = put()
    study = folder.load()
    report = make_report(study, CLASSES)
    result = StudyResult(
        study=study,
        folder=folder,
        report=report,  # type: ignore[arg-type]
        fronts={},
        trials={"finished": 6, "stopped": 3, "failed": 3, "unfinished": 0},
        interrupted=False,
        remainder=Remainder(waiting=0),
        faults=(),
        tracking_uri="sqlite:///x.db",
        experiment_id="1",
        parent_run_id="2",
        seconds=1.0,
    )
    configuration = Configuration(parameters={"memory_units": 40}, seeds=(0, 1))
    long = configuration.model_copy(update={"normal_class": tuple(map(str, range(1000)))})

    assert repr(study).startswith("Study(shown: memgan on digits, shared, 12 trials of 7 epochs")
    assert "AUROC 95.1 ± 0.3 % on test" in repr(report)
    assert repr(result).startswith("StudyResult(shown: memgan on digits")
    assert "memory_units 40" in repr(configuration)
    for one in (study, report, result, configuration, long):
        assert len(repr(one)) <= 160
        assert repr(one).endswith(")")
        assert "\n" not in f"{one}"
    assert result.trials_dataframe().shape[0] == 12
    assert result.optuna().study_name == "shown"
