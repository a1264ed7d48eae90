"""Bundles without torch: the same scores, and a hostile model gets no further than a line."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from memgan.bundle.bundle import load_bundle
from memgan.bundle.bundle_of_cells import write_bundle
from memgan.bundle.onnx_export import to_onnx
from memgan.bundle.onnx_model import OnnxModel
from memgan.config.configuration import Configuration
from memgan.config.parameters import make_parameters
from memgan.data import Pixels, Split
from memgan.detectors import DETECTORS, Detector, build_detector
from memgan.errors import BadInput, BundleError, MemganError, UnknownName
from memgan.training.cells import Cell, train_cell

PARAMETERS = {
    "memgan": {"width": 2, "memory_units": 4, "memory_dim": 4, "epochs": 1},
    "memgan-plus": {
        "width": 2,
        "memory_units": 4,
        "memory_dim": 4,
        "epochs": 1,
        "warp_count": 4,
        "warp_width": 2,
    },
    "pca": {"components": 4},
    "neighbours": {"neighbours": 2},
    "hog-neighbours": {"neighbours": 2},
    "autoencoder": {"width": 2, "code_dim": 4, "epochs": 2},
    "alice": {"width": 2, "code_dim": 4, "epochs": 2},
    "memae": {"width": 2, "memory_units": 5, "epochs": 2},
    "dcae": {"width": 2, "code_dim": 4, "epochs": 2},
    "dsvdd": {"width": 2, "code_dim": 4, "epochs": 2},
    "ama": {"width": 2, "critic_width": 4, "critic_steps": 1, "code_dim": 4, "epochs": 2},
    "dagmm": {"width": 2, "components": 2, "epochs": 2},
    "dsebm": {"width": 2, "energy_terms": 4, "epochs": 2},
    "ocsvm": {},
    "kde": {},
    "iforest": {"trees": 10},
    "patch-memory": {
        "features.backbone": "filters",
        "features.size": 32,
        "features.layers": "stride4,stride8",
    },
}


LOCAL = [
    (name, {"score": score, "score_window": 4})
    for score, names in {
        "smoothed-max": ["memgan", "memgan-plus", "pca", "dcae"],
        "top-share": ["memgan", "pca"],
    }.items()
    for name in names
]
LOCAL += [("pca", {"components": 0})]
ON_FEATURES = {"features.backbone": "filters", "features.size": 32}
LOCAL += [(name, ON_FEATURES) for name in ("memgan", "memae")]


@pytest.fixture(
    params=[*((name, {}) for name in sorted(DETECTORS)), *LOCAL],
    ids=lambda param: "-".join([param[0], *map(str, param[1].values())]),
)
def both(request: pytest.FixtureRequest, digits: Split, tmp_path: Path) -> Path:
    """The bundle of each detector, on digit 3."""
    name, values = request.param
    configuration = Configuration(
        detector=name, parameters={**PARAMETERS[name], **values}, runtime={"device": "cpu"}
    )
    cell = train_cell(configuration, digits.development, digits.test, "3", seed=0)
    write_bundle(tmp_path / "3", configuration, digits, [cell])
    return tmp_path / "3"


def test_onnxruntime_scores_and_rebuilds_as_torch_does(both: Path, digits: Split) -> None:
    images = digits.test.images  # more than one batch of 256
    torch_, onnx_ = load_bundle(both, backend="torch"), load_bundle(both, backend="onnx")
    scores = onnx_.score(images)

    assert (torch_.backend, onnx_.backend) == ("torch", "onnx")
    # Energies cross 0, where none is near enough relative to itself.
    nothing = max(1e-6, 1e-5 * float(scores.std()))
    np.testing.assert_allclose(scores, torch_.score(images), rtol=1e-4, atol=nothing)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(onnx_.score(images[7:8]), scores[7:8])
    assert len(onnx_.score(images[:0])) == 0
    expected, rebuilt = torch_.rebuild(images), onnx_.rebuild(images)
    assert (rebuilt is None) == (expected is None)
    if expected is not None and rebuilt is not None:
        np.testing.assert_allclose(rebuilt, expected, atol=0.01)


def test_without_weights_the_model_is_scored_with_and_torch_never_imported(bundle: Path) -> None:
    (bundle / "weights.safetensors").unlink()
    code = (
        "import sys, numpy as np; from memgan import load_bundle;"
        f"bundle = load_bundle({str(bundle)!r});"
        "bundle.score(np.zeros((2, 1, 8, 8), np.uint8));"
        "print(bundle.backend, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["onnx", "False"]
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("device", "gpu", "installed", "taken"),
    [
        ("auto", False, True, "onnx"),
        ("cpu", True, True, "onnx"),
        ("auto", True, True, "torch"),
        ("auto", False, False, "torch"),
    ],
)
def test_with_both_the_model_is_taken_on_a_cpu(
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    gpu: bool,
    installed: bool,
    taken: str,
) -> None:
    monkeypatch.setattr("memgan.bundle.bundle.may_have_gpu", lambda: gpu)
    if not installed:
        find = importlib.util.find_spec
        monkeypatch.setattr(
            "importlib.util.find_spec", lambda name: None if name == "onnxruntime" else find(name)
        )

    assert load_bundle(bundle, device=device).backend == taken


def test_without_a_model_the_weights_are_taken(bundle: Path) -> None:
    (bundle / "model.onnx").unlink()

    assert load_bundle(bundle, device="cpu").backend == "torch"


def test_either_can_be_asked_for(bundle: Path) -> None:
    assert load_bundle(bundle, backend="torch").backend == "torch"
    with pytest.raises(UnknownName, match="known: auto, torch, onnx"):
        load_bundle(bundle, backend="onyx")
    with pytest.raises(BadInput, match="only on the CPU"):
        load_bundle(bundle, backend="onnx", device="cuda")
    (bundle / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"lacks model\.onnx"):
        load_bundle(bundle, backend="onnx")


def test_the_same_detector_gives_the_same_bytes(
    bundle: Path, cell: Cell, digits: Split, tiny: Callable[..., Configuration]
) -> None:
    write_bundle(bundle.parent / "again", tiny(), digits, [cell])
    again = (bundle.parent / "again" / "model.onnx").read_bytes()

    assert again == (bundle / "model.onnx").read_bytes()


def pca(images: Pixels) -> Detector:
    detector = build_detector(
        "pca",
        make_parameters("pca", {"components": 4}, "test"),
        image_shape=images.shape[1:],
        seed=0,
        device=torch.device("cpu"),
    )
    detector.fit_epoch(images)
    return detector


def test_a_model_that_scores_otherwise_is_refused_with_the_gap(digits: Split) -> None:
    detector = pca(digits.development.train.images)
    honest = detector.score
    detector.score = lambda images: honest(images) * 1.001  # type: ignore[method-assign]

    with pytest.raises(MemganError, match=r"scores differ from torch's by up to 0\.001 relative"):
        to_onnx(detector, digits.test.images[:20])


def test_an_image_that_is_rebuilt_to_the_last_digit_is_no_gap() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)

    assert to_onnx(pca(images), images)


def refused(bundle: Path, model: onnx.ModelProto | bytes) -> str:
    content = model if isinstance(model, bytes) else model.SerializeToString()
    (bundle / "model.onnx").write_bytes(content)
    with pytest.raises(BundleError) as caught:
        load_bundle(bundle, backend="onnx")
    line = str(caught.value)
    assert line.startswith(f"{bundle}: model.onnx: ")
    assert "\n" not in line
    return line


def exported(bundle: Path) -> onnx.ModelProto:
    return onnx.load(bundle / "model.onnx")


def external(model: onnx.ModelProto, secret: Path) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": str(secret), "offset": "0"}.items():
        tensor.external_data.add(key=key, value=value)


def in_a_constant(model: onnx.ModelProto, secret: Path) -> None:
    tensor = TensorProto(name="hidden", data_type=TensorProto.FLOAT, dims=[1])
    tensor.external_data.add(key="location", value="../../secret")
    model.graph.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))


def foreign(model: onnx.ModelProto, secret: Path) -> None:
    model.graph.node.append(helper.make_node("Run", ["images"], ["x"], domain="com.stranger"))


def loop(model: onnx.ModelProto, secret: Path) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], [], body=body))


def function(model: onnx.ModelProto, secret: Path) -> None:
    made = helper.make_function("", "Tanh", ["x"], ["y"], [], [helper.make_opsetid("", 18)])
    model.functions.append(made)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (external, "lies outside of the file"),
        (in_a_constant, "lies outside of the file"),
        (foreign, "com.stranger.Run is not of ONNX"),
        (loop, "loops, branches"),
        (function, "of its own"),
    ],
)
def test_a_model_that_reaches_out_is_refused_before_it_is_run(
    bundle: Path,
    tmp_path: Path,
    tamper: Callable[[onnx.ModelProto, Path], Any],
    message: str,
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4096))
    model = exported(bundle)
    tamper(model, secret)

    assert message in refused(bundle, model)


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"\x80\x04\x95", b"PK\x03\x04"])
def test_garbage_is_no_model(bundle: Path, content: bytes) -> None:
    refused(bundle, content)


def test_a_cut_model_is_no_model(bundle: Path) -> None:
    refused(bundle, (bundle / "model.onnx").read_bytes()[:-100])


def test_a_model_of_other_images_is_refused(bundle: Path, digits: Split) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 9, 8), dtype=np.uint8)

    assert "(1, 8, 8)" in refused(bundle, to_onnx(pca(images), images))


def small(scores: onnx.NodeProto, kind: int = TensorProto.DOUBLE) -> onnx.ModelProto:
    """A model with the right input and one operator."""
    graph = helper.make_graph(
        [scores],
        "small",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("scores", kind, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_outputs_that_are_no_scores_are_refused(bundle: Path) -> None:
    cast = helper.make_node("Cast", ["images"], ["scores"], to=TensorProto.DOUBLE)

    assert "shape (1, 1, 8, 8), expected (1,)" in refused(bundle, small(cast))
    narrow = helper.make_node("Cast", ["images"], ["scores"], to=TensorProto.FLOAT)
    assert "expected scores in double" in refused(bundle, small(narrow, TensorProto.FLOAT))


def test_scores_that_are_no_numbers_are_told(digits: Split) -> None:
    detector = pca(digits.development.train.images)
    model = onnx.load_model_from_string(to_onnx(detector, digits.test.images[:9]))
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.DOUBLE:
            tensor.raw_data = np.full(tuple(tensor.dims), np.nan).tobytes()

    with pytest.raises(BundleError, match="not finite"):
        OnnxModel(model.SerializeToString(), (1, 8, 8)).score(digits.test.images[:2])
