"""A whole `memgan search` through real Ray and real SQLite MLflow, and what is done with it after.

One search is interrupted, gone on with, and looked at from all sides. The test that extends it
comes last.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from foreign import NOTES, Foreign
from interrupted import Interrupted

from memgan.bundle.bundle import load_bundle
from memgan.config.configuration import Configuration
from memgan.config.typed import DataConfig, parse, read_yaml
from memgan.data import load_split
from memgan.errors import StudyError
from memgan.machine.runtime import own_version
from memgan.training.cell_files import load_cell
from search.cli.app import run
from search.journal.journal import read_groups
from search.results.study_folder import StudyFolder
from search.workflow.stages import resume

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

pytestmark = pytest.mark.timeout(1500)

CLASSES = ("0", "1")
FINAL_FIGURES = ("roc.png", "scores.png", "extremes.png", "memory.png", "codes.png")
STUDY_FIGURES = ("auroc.png", "history.png", "parallel.png")
"""Importance needs more finished trials than this search has."""


@pytest.fixture(scope="module")
def finished(searched: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The document of that search."""
    ended = searched
    document: dict[str, Any] = json.loads(ended.stdout)
    assert "Traceback" not in ended.stderr
    return document


@pytest.fixture
def memgan(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """(arguments) -> the JSON document of a command that ends well, given in `home`."""
    monkeypatch.chdir(home)

    def run_it(*arguments: object) -> Any:
        code = run([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(out)

    return run_it


def client_of(document: dict[str, Any]) -> MlflowClient:
    from mlflow.tracking import MlflowClient

    return MlflowClient(document["tracking_uri"])


def runs_of(document: dict[str, Any]) -> list[Run]:
    found: list[Run] = client_of(document).search_runs([document["experiment_id"]])
    return found


def of_kind(document: dict[str, Any], kind: str) -> list[Run]:
    return [run for run in runs_of(document) if run.data.tags["memgan.kind"] == kind]


def artifacts(document: dict[str, Any], run_id: str, folder: str | None = None) -> set[str]:
    """Their paths, but for what somebody else put beside them."""
    found = set()
    for entry in client_of(document).list_artifacts(run_id, folder):
        found |= artifacts(document, run_id, entry.path) if entry.is_dir else {entry.path}
    return {path for path in found if not path.endswith(NOTES)}


@pytest.fixture
def export(home: Path, finished: dict[str, Any]) -> Path:
    return home / finished["export"]


def test_ctrl_c_keeps_everything_and_says_how_to_go_on(
    home: Path, interrupted: Interrupted, finished: dict[str, Any]
) -> None:
    stopped = interrupted.document
    assert stopped["interrupted"]
    assert stopped["export"] is None
    assert stopped["trials"]["unfinished"] >= 1
    assert "Traceback" not in interrupted.errors
    assert interrupted.go_on[:3] == ["memgan", "search", "--resume"]

    after = {
        trial.trial_id: trial
        for trial in read_groups(StudyFolder(home / "results", "tiny").journal)[""]
    }
    for trial in interrupted.trials:
        assert after[trial.trial_id].values == trial.values
    assert not finished["interrupted"]
    assert finished["parent_run_id"] == stopped["parent_run_id"]
    for run_ in of_kind(finished, "trial"):
        history = client_of(finished).get_metric_history(run_.info.run_id, "val_auroc/mean")
        epochs = after[run_.data.tags["memgan.trial_id"]].epochs
        assert sorted(m.step for m in history) == list(range(1, epochs + 1))


def test_what_is_waited_for_is_told_from_the_first_import_to_the_last_event(
    searched: subprocess.CompletedProcess[str],
) -> None:
    told = [
        line.removeprefix("waits for: ")
        for line in searched.stderr.splitlines()
        if line.startswith("waits for: ")
    ]
    stages = [
        "loading memgan",
        "loading digits",
        "starting Ray",
        "asking nodes, storage and the tracking store",
        "training trials",
        "training baselines",
        "exporting",
        "exporting: bundle 1",
        "delivering the record",
    ]
    places = [next(n for n, line in enumerate(told) if line.startswith(s)) for s in stages]
    assert places == sorted(places)
    assert searched.stderr.splitlines()[0] == "waits for: loading memgan"


def test_the_document_tells_everything(finished: dict[str, Any], export: Path) -> None:
    assert {"study", "dataset", "detector", "protocol", "classes", "mean"} <= set(finished)
    assert finished["name"] == finished["study"] == "tiny"
    assert finished["results"] == "results"
    assert finished["memgan_version"] == own_version()
    assert finished["tracking_uri"].startswith("sqlite:////")
    assert sum(finished["trials"].values()) == 4
    assert finished["trials"]["finished"] >= 1
    assert finished["trials"]["failed"] == finished["trials"]["unfinished"] == 0
    assert finished["waiting_events"] == 0
    assert finished["seconds"] > 0
    assert set(finished["classes"]) == set(CLASSES)
    for row in finished["classes"].values():
        assert row["seeds"] == [0, 1]
        assert 0 <= row["val_auroc"] <= 1
        assert 0 <= row["test_auroc_mean"] <= 1
        assert row["run_id"] in {run.info.run_id for run in of_kind(finished, "trial")}
    assert finished["anchors"]["pca"]["mean"]["test_auroc_mean"] > 0.9
    assert finished["anchors"]["neighbours"]["mean"]["test_auroc_mean"] > 0.9
    report = json.loads((export / "report.json").read_text())
    assert {key: finished[key] for key in report} == report


def test_the_record_has_a_parent_with_a_child_a_trial_and_a_final(
    finished: dict[str, Any],
) -> None:
    (parent,) = of_kind(finished, "study")
    trials, finals = of_kind(finished, "trial"), of_kind(finished, "final")

    assert parent.info.run_id == finished["parent_run_id"]
    assert len(runs_of(finished)) == 1 + 4 + 2
    for child in (*trials, *finals):
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    ids = sorted(run.data.tags["memgan.trial_id"] for run in trials)
    assert ids == ["0000", "0001", "0002", "0003"]
    assert sorted(run.data.tags["memgan.seed"] for run in finals) == ["0", "1"]
    assert {run.info.status for run in (parent, *finals)} == {"FINISHED"}
    by_status = [run.info.status for run in trials]
    assert by_status.count("FINISHED") == finished["trials"]["finished"]
    assert by_status.count("KILLED") == finished["trials"]["stopped"]
    for run_ in trials:
        stopped = run_.info.status == "KILLED"
        assert run_.data.tags.get("memgan.stopped_by") == ("asha" if stopped else None)


def test_the_record_reads_itself(finished: dict[str, Any]) -> None:
    (parent,) = of_kind(finished, "study")
    trials, finals = of_kind(finished, "trial"), of_kind(finished, "final")

    note = parent.data.tags["mlflow.note.content"]
    (winner,) = (run for run in trials if run.data.tags.get("memgan.winner") == "true")
    trial = winner.data.tags["memgan.trial_id"]
    assert {row["trial"] for row in finished["classes"].values()} == {trial}
    assert f"- trial {trial}: " in note
    assert "| **mean** |" in note
    assert {line.split(" | ")[0] for line in note.splitlines()} >= {"| 0", "| 1"}
    report = f"#/experiments/{finished['experiment_id']}/runs/{parent.info.run_id}/artifacts/"
    assert f"({report}export/report.html)" in note
    assert "export/report.html" in artifacts(finished, parent.info.run_id, "export")
    experiment = client_of(finished).get_experiment(finished["experiment_id"])
    assert "| **mean** |" in experiment.tags["mlflow.note.content"]
    for run_ in (parent, *trials, *finals):
        (used,) = run_.inputs.dataset_inputs
        assert parent.data.tags["memgan.split_hash"].startswith(used.dataset.digest)
        sizes = json.loads(used.dataset.profile)["images"]
        assert sum(sizes.values()) == 1797
        parts = used.tags[0].value.split(", ")
        assert ("test" in parts) == (run_ not in trials)


def test_the_record_tells_what_was_tried_and_what_came_of_it_by_epoch(
    finished: dict[str, Any],
) -> None:
    client = client_of(finished)
    for trial in of_kind(finished, "trial"):
        assert trial.data.params["memory_units"] in ("4", "8")
        assert 1e-3 <= float(trial.data.params["learning_rate"]) <= 2e-2
        assert trial.data.params["epochs"] == "5"
        assert trial.data.params["detector"] == "memgan"
        histories = {
            name: {m.step: m.value for m in client.get_metric_history(trial.info.run_id, name)}
            for name in ("val_auroc/0", "val_auroc/1", "val_auroc/mean", "loss/cycle", "seconds")
        }
        steps = sorted(histories["val_auroc/mean"])
        assert steps == list(range(1, len(steps) + 1))
        assert len(steps) == 5 or trial.info.status == "KILLED"
        for history in histories.values():
            assert sorted(history) == steps
        for step in steps:
            mean = (histories["val_auroc/0"][step] + histories["val_auroc/1"][step]) / 2
            assert histories["val_auroc/mean"][step] == pytest.approx(mean)


def test_the_parent_tells_the_study_and_its_figures(finished: dict[str, Any]) -> None:
    (parent,) = of_kind(finished, "study")
    tags, metrics = parent.data.tags, parent.data.metrics

    assert tags["memgan.study"] == parent.info.run_name == "tiny"
    assert tags["memgan.study_id"]
    assert (tags["memgan.dataset"], tags["memgan.detector"]) == ("digits", "memgan")
    assert tags["memgan.protocol"] == "shared"
    assert tags["memgan.split_hash"] == finished["split_hash"]
    for name, row in finished["classes"].items():
        assert metrics[f"val_auroc/{name}"] == row["val_auroc"]
        assert metrics[f"test_auroc/{name}"] == row["test_auroc_mean"]
        assert metrics[f"test_auroc_sd/{name}"] == row["test_auroc_sd"]
    assert metrics["val_auroc/mean"] == finished["mean"]["val_auroc"]
    assert metrics["test_auroc/mean"] == pytest.approx(finished["mean"]["test_auroc_mean"])
    assert artifacts(finished, parent.info.run_id) == {
        "study.yaml",
        "export/best.yaml",
        "export/report.json",
        "export/report.md",
        "export/report.html",
        *(f"export/figures/{name}" for name in (*FINAL_FIGURES, *STUDY_FIGURES)),
        *(f"figures/{name}" for name in STUDY_FIGURES),
    }


def test_finals_keep_figures_and_the_winner_its_checkpoint(
    home: Path, finished: dict[str, Any]
) -> None:
    winner = finished["classes"]["0"]["run_id"]
    assert any(
        path.startswith("checkpoints/") and path.endswith("training.pt")
        for path in artifacts(finished, winner)
    )
    folder = StudyFolder(home / "results", "tiny").finals / finished["classes"]["0"]["trial"]
    for final in of_kind(finished, "final"):
        assert artifacts(finished, final.info.run_id) == {
            "scores/scores.npz",
            *(f"figures/{f}" for f in FINAL_FIGURES),
        }
        for name in CLASSES:
            cell = load_cell(folder / f"{name}-seed{final.data.tags['memgan.seed']}")
            assert cell is not None
            assert final.data.metrics[f"test_auroc/{name}"] == cell.test_auroc


def test_the_first_final_has_a_model_that_scores_as_it_did(
    home: Path, finished: dict[str, Any]
) -> None:
    import mlflow.pyfunc

    (model,) = client_of(finished).search_logged_models([finished["experiment_id"]])
    (final,) = [run for run in of_kind(finished, "final") if run.data.tags["memgan.seed"] == "0"]
    assert model.source_run_id == final.info.run_id
    assert (model.name, model.status) == ("tiny", "READY")
    served = mlflow.pyfunc.load_model(model.artifact_location)
    images = load_split(DataConfig(source="digits")).test.images[:60]
    folder = StudyFolder(home / "results", "tiny").finals / final.data.tags["memgan.trial_id"]
    for name in CLASSES:
        cell = load_cell(folder / f"{name}-seed0")
        assert cell is not None
        scored = served.predict(images, params={"normal_class": name})
        np.testing.assert_allclose(scored["score"], cell.test_scores[:60], rtol=1e-4)


def test_the_export_is_complete(finished: dict[str, Any], export: Path) -> None:
    files = {str(path.relative_to(export)) for path in export.rglob("*") if path.is_file()}
    bundle = ("weights.safetensors", "model.onnx", "config.yaml", "calibration.json", "card.md")
    bundle += ("example.png", "example.json", "example_map.npy")

    assert files == {
        "best.yaml",
        "report.json",
        "report.md",
        "report.html",
        "manifest.json",
        *(f"figures/{name}" for name in (*FINAL_FIGURES, *STUDY_FIGURES)),
        *(f"bundles/{name}/{file}" for name in CLASSES for file in bundle),
    }
    page = (export / "report.html").read_text()
    assert 'alt="miss: ' in page  # The tiny detector makes mistakes, and they are shown.
    assert len(page) < 2**23
    best = parse(Configuration, read_yaml(export / "best.yaml"), "best.yaml")
    assert best.origin is not None
    assert best.origin.study == "tiny"
    assert best.origin.split_hash == finished["split_hash"]
    assert best.origin.trials["0"] == finished["classes"]["0"]["trial"]
    assert best.seeds == (0, 1)
    assert best.data == DataConfig(source="digits")


def test_training_the_export_gives_the_recorded_figure_exactly(
    finished: dict[str, Any], export: Path, memgan: Callable[..., Any], tmp_path: Path
) -> None:
    options = ["--normal-class", "1", "--seeds", "1", "--jobs", "1", "--out", tmp_path]

    document = memgan("train", export / "best.yaml", *options, "--verify")

    assert document["verify"]["equal"]
    assert document["verify"]["differing"] == []
    (final,) = [run for run in of_kind(finished, "final") if run.data.tags["memgan.seed"] == "0"]
    figure = document["classes"]["1"]["test_auroc"]["0"]
    assert figure == final.data.metrics["test_auroc/1"]


def test_the_export_can_be_written_again_equal(
    finished: dict[str, Any], export: Path, memgan: Callable[..., Any], tmp_path: Path
) -> None:
    document = memgan("export", "tiny", "--out", tmp_path / "again")

    assert document["classes"] == finished["classes"]
    for path in export.rglob("*"):
        if path.is_file() and path.suffix != ".png" and path.name != "manifest.json":
            again = tmp_path / "again" / path.relative_to(export)
            assert again.read_bytes() == path.read_bytes(), path


def test_an_export_is_registered_and_again_with_another_calibration(
    finished: dict[str, Any], memgan: Callable[..., Any], tmp_path: Path
) -> None:
    register = ("export", "tiny", "--out", tmp_path / "out", "--register", "tiny digits")

    first = memgan(*register)["registered"]
    other = memgan(*register, "--false-alarm-rate", 0.2)["registered"]

    assert (first["version"], first["new"], first["champion"]) == (1, True, 1)
    assert (other["version"], other["new"], other["champion"]) == (2, True, 1)
    assert "+0.00 to +0.00: no difference shown" in other["reason"]
    calibration = json.loads((tmp_path / "out/bundles/0/calibration.json").read_text())
    assert calibration["false_alarm_rate"] == 0.2
    version = client_of(finished).get_model_version_by_alias("tiny digits", "champion")
    assert version.run_id == finished["parent_run_id"]
    assert "| **mean** |" in version.description
    assert "From study `tiny`" in version.description
    assert "`champion`" in client_of(finished).get_registered_model("tiny digits").description
    assert float(version.tags["memgan.val_auroc"]) == finished["mean"]["val_auroc"]


def test_an_export_outlives_a_registry_that_is_away(
    home: Path,
    finished: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(home)
    away = ("--register", "digits", "--tracking-uri", "http://127.0.0.1:9")

    code = run(["export", "tiny", "--out", str(tmp_path / "out"), "--json", *away])

    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.endswith(" …")]  # without waits
    assert (code, out, len(lines)) == (2, "", 1)
    assert "not registered: tracking at http://127.0.0.1:9 does not answer" in err
    assert (tmp_path / "out" / "bundles" / "0" / "model.onnx").is_file()


def test_an_exported_bundle_scores_as_the_final_did(
    home: Path, finished: dict[str, Any], export: Path, memgan: Callable[..., Any], tmp_path: Path
) -> None:
    split = load_split(DataConfig(source="digits"))
    trial = finished["classes"]["1"]["trial"]
    cell = load_cell(StudyFolder(home / "results", "tiny").finals / trial / "1-seed0")
    assert cell is not None
    np.savez(tmp_path / "test.npz", x=split.test.images[:60])

    document = memgan("score", export / "bundles" / "1", tmp_path / "test.npz")

    scores = [row["score"] for row in document["images"]]
    np.testing.assert_allclose(scores, cell.test_scores[:60], rtol=1e-6)
    loaded = load_bundle(export / "bundles" / "1")
    np.testing.assert_allclose(loaded.score(split.test.images), cell.test_scores, rtol=1e-6)


def test_studies_tell_how_far_it_is(finished: dict[str, Any], memgan: Callable[..., Any]) -> None:
    status = memgan("studies", "status", "tiny")
    (listed,) = [s for s in memgan("studies", "list")["studies"] if s["name"] == "tiny"]

    del status["memgan_version"]  # The list has it once, for all.
    assert listed == status
    assert (status["state"], status["done"], status["budget"]) == ("finished", 4, 4)
    assert status["best"] == finished["mean"]["val_auroc"]
    assert [trial["trial"] for trial in status["trials"]] == ["0000", "0001", "0002", "0003"]
    winner = status["trials"][int(finished["classes"]["0"]["trial"])]
    assert winner["state"] == "finished"
    assert winner["values"] == finished["values"][winner["trial"]]


def test_a_finished_study_takes_no_other_change(
    home: Path, finished: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    with pytest.raises(StudyError, match="--epochs 9 is not study tiny's own"):
        resume("tiny", options={"epochs": 9})


@pytest.mark.slow
def test_a_finished_study_takes_more_trials(
    home: Path, finished: dict[str, Any], strangers: Foreign
) -> None:
    folder = StudyFolder(home / "results", "tiny")
    study_id = folder.study_id
    before = {run.data.tags["memgan.run_key"]: run.info.run_id for run in runs_of(finished)}

    main = "from search.cli import main; main()"
    more = ["search", "--resume", "tiny", "--trials", "5", "--json"]
    ended = subprocess.run(
        [sys.executable, "-c", main, *more],
        capture_output=True,
        text=True,
        timeout=580,
        cwd=home,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    strangers.check()
    document = json.loads(ended.stdout)
    assert sum(document["trials"].values()) == 5
    assert folder.study_id == study_id
    assert document["parent_run_id"] == finished["parent_run_id"]
    runs = runs_of(document)
    keys = [run.data.tags["memgan.run_key"] for run in runs]
    assert len(keys) == len(set(keys))
    assert {key: run.info.run_id for key, run in zip(keys, runs, strict=True)}.items() >= (
        before.items()
    )
    trials = [run.data.tags["memgan.trial_id"] for run in of_kind(document, "trial")]
    assert sorted(trials) == ["0000", "0001", "0002", "0003", "0004"]
    assert "RUNNING" not in {run.info.status for run in runs}
    assert document["mean"]["val_auroc"] >= finished["mean"]["val_auroc"]
