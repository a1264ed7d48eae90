"""What MLflow serves of bundles: the bundle's own scores, without a pickle or a path of ours."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from memgan.bundle import load_bundle, score_paths
from memgan.data import conform
from memgan.errors import BadInput
from tracking import names
from tracking.address import Location
from tracking.models.servable import digest, make_servable


@pytest.fixture(scope="session")
def served(_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of digits 3 and 1, the first the default; made in a uv project."""
    from mlflow.models import Model

    folder = tmp_path_factory.mktemp("served") / "model"
    project = tmp_path_factory.mktemp("project")
    (project / "uv.lock").write_text("version = 1")
    (project / "pyproject.toml").write_text("[project]")
    with contextlib.chdir(project):
        make_servable({name: _bundles / name for name in ("3", "1")}, folder, Model())
    return folder


def images(count: int = 300) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8), dtype=np.uint8)


def test_it_gives_what_the_bundle_gives(served: Path, bundles: dict[str, Path]) -> None:
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(served))
    for name, rate, params in (
        ("3", 0.1, {}),
        ("1", 0.4, {"normal_class": "1", "false_alarm_rate": 0.4}),
    ):
        bundle = load_bundle(bundles[name], backend="onnx")
        scores = bundle.score(images())
        found = model.predict(images(), params=params)
        assert list(found.columns) == ["score", "p_value", "anomalous"]
        np.testing.assert_array_equal(found["score"], scores)
        np.testing.assert_array_equal(found["p_value"], bundle.p_values(scores))
        verdicts = bundle.calibration.at(rate).verdicts(scores)
        np.testing.assert_array_equal(found["anomalous"], verdicts)
        np.testing.assert_array_equal(found["anomalous"], found["p_value"] <= rate)
        assert verdicts.any()


@pytest.mark.parametrize(
    ("given", "params", "message"),
    [
        (images(2), {"normal_class": "4"}, "this model knows 1, 3"),
        (images(2), {"false_alarm_rate": 1.5}, "between 0 and 1"),
        (images(2), {"false_alarm_rate": 0.01}, "no p-value below 0.0"),
        (images(2) / 255, {}, "fractions from 0 to 1; send images of 1 channel as whole numbers"),
        (images(2) / 2, {}, "not whole"),
        (np.ones((2, 1, 8, 8)), {}, "fractions from 0 to 1"),
        (images(9).astype(int) - 300, {}, "values from -"),
        (images(9).astype(int) + 9, {}, "values from "),
        (np.full((2, 1, 8, 8), np.nan), {}, "values from nan"),
        (np.zeros((2, 1, 8, 8), bool), {}, "not of numbers"),
        (np.full((2, 1, 8, 8), "7"), {}, "not of numbers"),
        (np.zeros((2, 3, 8, 8), np.uint8), {}, r"expected \(N, 1, H, W\)"),
        (np.zeros((2, 8, 8), np.uint8), {}, r"expected \(N, 1, H, W\)"),
        (np.zeros((0, 1, 8, 8), np.uint8), {}, "no image was sent"),
        ([], {}, "no image was sent"),
        ([[[[1, 2]]], [[[1]]]], {}, "differ in shape"),
    ],
)
def test_what_it_cannot_score_is_refused(
    served: Path, given: Any, params: dict[str, Any], message: str
) -> None:
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    model = mlflow.pyfunc.load_model(str(served))
    with pytest.raises(MlflowException, match=message):
        model.predict(given, params=params)


def test_whole_numbers_of_any_type_score_alike(served: Path) -> None:
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(served))
    expected = model.predict(images(3))
    for given in (images(3).tolist(), images(3).astype(np.int64), images(3).astype(np.float32)):
        np.testing.assert_array_equal(model.predict(given)["score"], expected["score"])
    assert "(N, 1, H, W), whole numbers from 0 to 255" in (served / "MLmodel").read_text()


def encoded(pixels: np.ndarray[Any, Any], kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def test_files_as_base64_score_as_memgan_scores_the_files(
    served: Path, bundles: dict[str, Path], tmp_path: Path
) -> None:
    import mlflow.pyfunc

    rng = np.random.default_rng(2)
    pictures = [
        rng.integers(0, 256, size, dtype=np.uint8)
        for size in ((8, 8), (31, 17), (20, 40, 3), (16, 16, 4))
    ]
    files = [encoded(one) for one in pictures]
    files += [encoded(pictures[2], "JPEG"), f"data:image/png;base64,{files[1]}"]
    folder = tmp_path / "files"
    folder.mkdir()
    for at, text in enumerate(files):
        content = base64.b64decode(text.rpartition(",")[2])
        (folder / f"{at}.{'jpg' if at == 4 else 'png'}").write_bytes(content)
    (batch,) = score_paths(load_bundle(bundles["3"], backend="onnx"), [folder], print)

    model = mlflow.pyfunc.load_model(str(served))
    found = model.predict(np.array(files))["score"]

    np.testing.assert_allclose(found, [row.score for row in batch.rows], rtol=1e-6)
    np.testing.assert_array_equal(model.predict(files)["score"], found)


def test_a_model_of_an_earlier_version_gets_files_at_its_own_size(
    served: Path, tmp_path: Path
) -> None:
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException
    from onnxruntime.tools.make_dynamic_shape_fixed import make_dim_param_fixed

    earlier = shutil.copytree(served, tmp_path / "earlier")
    file = earlier / "artifacts/bundles/3/model.onnx"
    fixed = onnx.load(file)
    for name in "HW":
        make_dim_param_fixed(fixed.graph, name, 8)
    onnx.save(fixed, file)
    model, today = (mlflow.pyfunc.load_model(str(folder)) for folder in (earlier, served))
    large = np.random.default_rng(4).integers(0, 256, (31, 6), dtype=np.uint8)

    found = model.predict([encoded(large)])["score"]

    np.testing.assert_allclose(found, today.predict([encoded(large)])["score"], rtol=1e-6)
    with pytest.raises(MlflowException, match=r"expected \(N, 1, 8, 8\)"):
        model.predict(large[None, None])


def test_a_request_may_hold_files_as_texts(served: Path) -> None:
    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    model = mlflow.pyfunc.load_model(str(served))
    text = encoded(images(1)[0, 0])
    request = json.dumps({"inputs": [text, text], "params": {"normal_class": "1"}})

    answer = scoring_server.invocations(request, "application/json", model, None)

    rows = json.loads(answer.response)["predictions"]
    expected = model.predict(images(1), params={"normal_class": "1"})
    assert [row["score"] for row in rows] == [expected["score"][0]] * 2


def test_arrays_of_any_size_score_as_what_they_are_resized_to(
    served: Path, bundles: dict[str, Path]
) -> None:
    import mlflow.pyfunc

    large = np.random.default_rng(3).integers(0, 256, (4, 1, 40, 21), dtype=np.uint8)
    expected = load_bundle(bundles["3"], backend="torch").score(conform(large, (8, 8), None))

    found = mlflow.pyfunc.load_model(str(served)).predict(large)["score"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo.png", "image 1 is not base64; send images of 1 channel"),
        ("aGVsbG8=", r"image 1 is not a PNG or JPEG file \(no image\)"),
        (encoded(np.zeros((9, 9), np.uint8), "TIFF"), "image 1 is not a PNG or JPEG file"),
        (encoded(np.zeros((9, 9), np.uint16)), "image 1 has more than 8 bits a pixel"),
        (encoded(np.zeros((9, 9), np.uint8))[:60], "image 1 is not a PNG or JPEG file"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_by_its_number(
    served: Path, text: str, message: str
) -> None:
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException

    model = mlflow.pyfunc.load_model(str(served))
    with pytest.raises(MlflowException, match=message):
        model.predict(np.array([encoded(np.zeros((9, 9), np.uint8)), text]))


def test_it_holds_no_pickle_and_no_path_of_this_machine(served: Path) -> None:
    files = {str(path.relative_to(served)) for path in served.rglob("*") if path.is_file()}
    assert files == {
        "MLmodel",
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
        "served_model.py",
        *(
            f"artifacts/bundles/{name}/{file}"
            for name in ("1", "3")
            for file in ("model.onnx", "calibration.json")
        ),
    }
    told = (served / "MLmodel").read_text()
    assert str(Path(__file__).parents[3]) not in told
    assert str(served.parent) not in told
    needed = (served / "requirements.txt").read_text().split()
    assert [line.partition("==")[0] for line in needed] == [
        "mlflow",
        "numpy",
        "onnxruntime",
        "pandas",
        "pillow",
    ]
    assert all(line.partition("==")[2] for line in needed)


def test_the_script_needs_what_its_requirements_name(served: Path) -> None:
    tree = ast.parse((served / "served_model.py").read_text())
    imported = {
        (name.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    needed = {line.partition("==")[0] for line in (served / "requirements.txt").open()}
    needed = needed - {"pillow"} | {"PIL"}  # its name when it is imported
    assert imported - set(sys.stdlib_module_names) == needed


def test_a_digest_tells_what_is_served(bundles: dict[str, Path]) -> None:
    before = digest(bundles)
    (bundles["3"] / "card.md").write_text("another card")
    assert digest(dict(reversed(bundles.items()))) == before
    calibration = bundles["3"] / "calibration.json"
    calibration.write_text(calibration.read_text().replace('_rate": 0.1', '_rate": 0.2'))
    assert digest(bundles) != before
    assert digest({"1": bundles["1"]}) != before


@pytest.mark.parametrize("name", ["config.yaml", "calibration.json"])
def test_damaged_bundles_are_no_model(bundles: dict[str, Path], tmp_path: Path, name: str) -> None:
    from mlflow.models import Model

    (bundles["3"] / name).write_text("{")
    with pytest.raises(BadInput):
        make_servable(bundles, tmp_path / "model", Model())


def test_a_model_that_was_cut_off_is_completed(
    local_record: Location, bundles: dict[str, Path]
) -> None:
    """As after a writer that was killed between making the model and filling it."""
    import mlflow.pyfunc
    from mlflow import MlflowClient

    from tracking.stores.mlflow_tracker import MlflowTracker

    tracker = MlflowTracker(local_record.uri, local_record.artifact_root)
    experiment = tracker.create_experiment("digits")
    run_id = tracker.create_run(experiment, "final", 1, {names.RUN_KEY: "k"})
    client = MlflowClient(local_record.uri)
    tags = {names.MODEL_KEY: "k"}
    begun = client.create_logged_model(experiment, "digits", source_run_id=run_id, tags=tags)
    assert tracker.models(run_id) == []

    model_id = tracker.log_model(run_id, "digits", bundles, tags)

    assert model_id == begun.model_id
    assert [model.model_id for model in tracker.models(run_id)] == [model_id]
    outputs = client.get_run(run_id).outputs.model_outputs
    assert [output.model_id for output in outputs] == [model_id]
    assert mlflow.active_run() is None
    location = client.get_logged_model(model_id).artifact_location
    assert len(mlflow.pyfunc.load_model(location).predict(images(2))) == 2
