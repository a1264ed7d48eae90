"""Registering bundles in a real MLflow store, and what a server makes of the champion."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import requests
from mlflow_servers import Server

from memgan.bundle.bundle import load_bundle
from memgan.errors import BadInput, TrackingUnavailable
from memgan.stats.image_scores import ImageScores, pack
from tracking import names
from tracking.address import Location
from tracking.cli.ui_server import free_port
from tracking.registry.versions import Registered, StudyRun, Texts, check_name, register

Bundles = dict[str, Path]
Register = Callable[..., Registered]
TAGS = {
    names.STUDY_ID: "7f3a",
    names.DATASET: "digits",
    names.SPLIT_HASH: "abc",
    names.NORMAL_CLASSES: '["3", "1"]',
    names.OBJECTIVE: "val-auroc",
    names.VAL_AUROC: "0.95",
}


def make_run(location: Location, study: str) -> str:
    """The id of a study's own run, which is made."""
    from tracking.stores.mlflow_tracker import MlflowTracker

    tracker = MlflowTracker(location.uri, location.artifact_root)
    experiment = tracker.create_experiment(study)
    return tracker.create_run(experiment, study, 1, {names.RUN_KEY: "7f3a/study"})


@pytest.fixture
def study_run(local_record: Location) -> str:
    """The id of the run of a study `digits` in the record."""
    return make_run(local_record, "digits")


def registering(location: Location, study: str = "digits") -> Register:
    def call(
        bundles: Bundles, tags: dict[str, str] | None = None, force: bool = False, **changes: Any
    ) -> Any:
        run = StudyRun(
            location, changes.get("experiment", study), changes.get("run_key", "7f3a/study")
        )
        name = changes.get("name", "digits")
        return register(name, bundles, {**TAGS, **(tags or {})}, run, force=force)

    return call


def test_an_export_is_one_version_however_often_it_is_registered(
    local_record: Location, study_run: str, bundles: Bundles
) -> None:
    from mlflow import MlflowClient

    registered = registering(local_record)(bundles)
    again = registering(local_record)(bundles)

    assert (registered.version, registered.new, registered.champion) == (1, True, 1)
    assert (again.version, again.new, again.champion) == (1, False, 1)
    assert again.reason == "it was champion before"
    client = MlflowClient(local_record.uri)
    (version,) = client.search_model_versions("name = 'digits'")
    assert version.tags.items() >= TAGS.items()
    assert version.run_id == study_run
    (model,) = client.search_logged_models([client.get_run(study_run).info.experiment_id])
    assert version.source == model.artifact_location
    assert model.tags["mlflow.modelVersions"] == '[{"name": "digits", "version": 1}]'


def tell_finals(location: Location, study: str, right: int) -> str:
    """A final whose validation scores put `right` of a hundred anomalies above all normals; the
    study's id."""
    from tracking.stores.mlflow_tracker import MlflowTracker

    study_id = f"id-of-{study}"
    tracker = MlflowTracker(location.uri, location.artifact_root)
    experiment = tracker.create_experiment(study)
    tags = {names.KIND: names.FINAL, names.STUDY_ID: study_id, names.SEED: "0"}
    run = tracker.create_run(experiment, "final", 1, tags)
    scores = np.array([1.0] * 100 + [2.0] * right + [0.0] * (100 - right))
    of_class = ImageScores(scores, np.arange(200) >= 100)
    with TemporaryDirectory() as folder:
        path = Path(folder) / names.SCORES_FILE
        path.write_bytes(pack({"validation": {"3": of_class, "1": of_class}}))
        tracker.log_artifact(run, path, names.SCORES)
    return study_id


def test_the_champion_goes_only_to_the_really_better_or_by_force(
    local_record: Location,
    study_run: str,
    bundles: Bundles,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def of(study: str, right: int) -> dict[str, str]:
        return {names.STUDY: study, names.STUDY_ID: tell_finals(local_record, study, right)}

    call = registering(local_record)
    call(bundles, tags=of("first", 80))

    near = call({"1": bundles["1"]}, tags=of("near", 81))
    assert (near.version, near.champion) == (2, 1)
    assert near.lines()[1].startswith(
        "champion stays version 1: on the validation images it has +1"
    )
    assert near.reason.endswith(": no difference shown")
    assert near.lines()[2] == (
        f"serve the champion: MLFLOW_TRACKING_URI={local_record.uri}"
        " mlflow models serve -m models:/digits@champion --env-manager local"
    )
    assert "Waiting up to" not in capfd.readouterr().err
    forced = call({"1": bundles["1"]}, tags=of("near", 81), force=True)
    assert (forced.version, forced.new, forced.champion) == (2, False, 2)
    better = call({"3": bundles["3"]}, tags=of("better", 99))
    assert (better.version, better.champion) == (3, 3)
    assert better.reason.endswith(": a difference")
    made = {**of("made", 100), names.OBJECTIVE: "label-free"}
    changed = {"3": bundles["1"], "1": bundles["3"]}
    free = call(changed, tags=made)
    assert (free.version, free.champion) == (4, 3)
    assert "other objective (val-auroc, and this version label-free)" in free.reason
    unknown = call({"2": bundles["3"]}, tags={})
    assert (unknown.version, unknown.champion) == (5, 3)
    assert "not recorded of both" in unknown.reason


def test_a_champion_by_other_hands_stays_and_nothing_global_is_touched(
    local_record: Location, study_run: str, bundles: Bundles
) -> None:
    import mlflow
    from mlflow import MlflowClient

    client = MlflowClient(local_record.uri)
    client.create_registered_model("digits")
    client.create_model_version("digits", "s3://bucket/model", run_id=study_run)
    client.set_registered_model_alias("digits", "champion", "1")
    before = mlflow.get_tracking_uri(), dict(os.environ)

    registered = registering(local_record)(bundles)

    assert (registered.version, registered.champion) == (2, 1)
    assert "other images" in registered.reason
    assert (mlflow.get_tracking_uri(), dict(os.environ)) == before
    assert mlflow.active_run() is None


def test_what_cannot_be_registered_is_told_in_a_line(
    local_record: Location, study_run: str, bundles: Bundles
) -> None:
    call = registering(local_record)
    with pytest.raises(BadInput, match="memgan sync others"):
        call(bundles, experiment="others")
    with pytest.raises(BadInput, match="memgan sync digits"):
        call(bundles, run_key="0000/study")
    away = Location(uri=f"http://me:secret@127.0.0.1:{free_port(0)}")
    with pytest.raises(TrackingUnavailable, match=r"//\*\*\*@.* does not answer \(nobody"):
        registering(away)(bundles)
    (bundles["3"] / "calibration.json").unlink()
    with pytest.raises(BadInput, match=r"lacks calibration\.json"):
        call(bundles)


@pytest.mark.parametrize("name", ["", "a/b", "a:1", "a@b", "it's", "-a"])
def test_names_that_a_registry_could_not_look_up_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="--register"):
        check_name(name)
    check_name("Digits v1.0 +_-x")


@contextmanager
def serving(model: str, uri: str, log: Path) -> Iterator[str]:
    """The address of `mlflow models serve` on a model of the store at `uri`."""
    port = free_port(0)
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    command += ["--model-uri", model, "--host", "127.0.0.1", "--port", str(port)]
    # MLflow starts uvicorn by its name, which only an activated environment has on its PATH.
    beside_python = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": beside_python}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{address}/ping", timeout=2).ok:
                    break
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def test_the_champion_of_a_server_answers_over_http(
    server: Server, bundles: Bundles, study_name: str, tmp_path: Path
) -> None:
    """As a team does it: one server for the record, `mlflow models serve` for the model."""
    make_run(Location(uri=server.address), study_name)
    call = registering(Location(uri=server.address), study_name)
    registered = call(bundles, name=study_name)
    assert (registered.version, registered.champion) == (1, 1)
    assert not call(bundles, name=study_name).new
    bundle = load_bundle(bundles["1"], backend="onnx")
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)
    content = {
        "inputs": images.tolist(),
        "params": {"normal_class": "1", "false_alarm_rate": 0.2},
    }

    model = f"models:/{study_name}@champion"
    with serving(model, server.address, tmp_path / "serve.log") as address:
        answer = requests.post(f"{address}/invocations", json=content, timeout=30)
        refused = [
            requests.post(f"{address}/invocations", json={"inputs": given}, timeout=30)
            for given in ([[1, 2]], [], (images / 256).tolist(), (images * 2.0).tolist())
        ]

    assert answer.status_code == 200, answer.text
    rows = answer.json()["predictions"]
    scores = bundle.score(images)
    np.testing.assert_allclose([row["score"] for row in rows], scores, rtol=1e-12)
    np.testing.assert_allclose([row["p_value"] for row in rows], bundle.p_values(scores))
    verdicts = bundle.calibration.at(0.2).verdicts(scores).tolist()
    assert [row["anomalous"] for row in rows] == verdicts
    assert [answer.status_code for answer in refused] == [400] * 4
    assert all("from 0 to 255" in answer.text for answer in refused[1:])


def test_a_model_and_its_version_are_described_and_what_somebody_wrote_stays(
    local_record: Location, study_run: str, bundles: Bundles
) -> None:
    from mlflow import MlflowClient

    run = StudyRun(local_record, "digits", "7f3a/study")
    client = MlflowClient(local_record.uri)

    def described(texts: Texts) -> tuple[str, str]:
        register("digits", bundles, TAGS, run, texts=texts)
        model = client.get_registered_model("digits")
        version = client.get_model_version("digits", "1")
        return model.description, version.description

    assert described(Texts("scores images", "**98 %**")) == ("scores images", "**98 %**")
    assert described(Texts("scores digits", "**99 %**")) == ("scores digits", "**99 %**")
    client.update_registered_model("digits", "for line 3")
    client.update_model_version("digits", "1", "approved")
    assert described(Texts("ours", "ours")) == ("for line 3", "approved")
