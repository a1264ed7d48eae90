"""Bundles without torch: the same scores, and a hostile model gets no further than a line."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from memgan.bundle.bundle import load_bundle
from memgan.bundle.bundle_of_cells import write_bundle
from memgan.bundle.graph.onnx_export import to_onnx
from memgan.bundle.graph.onnx_model import OnnxModel
from memgan.config.configuration import Configuration
from memgan.config.parameters import make_parameters
from memgan.data import Pixels, Split, conform, enlarged
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
    "memgan-turns": {
        "width": 2,
        "memory_units": 4,
        "memory_dim": 4,
        "epochs": 2,
        "net_width": 2,
        "net_passes": 1,
    },
    "pca": {"components": 4},
    "neighbours": {"neighbours": 2},
    "hog-neighbours": {"neighbours": 2, "mean_image_share": 0.5},
    "autoencoder": {"width": 2, "code_dim": 4, "epochs": 2},
    "alice": {"width": 2, "code_dim": 4, "epochs": 2},
    "memae": {"width": 2, "memory_units": 5, "epochs": 2},
    "dcae": {"width": 2, "code_dim": 4, "epochs": 2},
    "dsvdd": {"width": 2, "code_dim": 4, "epochs": 2},
    "ama": {"width": 2, "critic_width": 4, "critic_steps": 1, "code_dim": 4, "epochs": 2},
    "dagmm": {"width": 2, "components": 2, "epochs": 2},
    "dsebm": {"width": 2, "energy_terms": 4, "epochs": 2},
    "alad": {"width": 4, "code_dim": 4, "epochs": 1},
    "anogan": {"width": 2, "code_dim": 4, "epochs": 1},
    "ocsvm": {},
    "kde": {},
    "iforest": {"trees": 10},
    "patch-memory": {
        "features.backbone": "filters",
        "features.size": 32,
        "features.layers": "stride4,stride8",
        "whitening": 0.1,
        "largest": 3,
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
LOCAL += [("memgan-turns", {"second_stage": stage}) for stage in ("gaussian", "neighbours")]
LOCAL += [(name, ON_FEATURES) for name in ("memgan", "memae")]


@pytest.fixture(
    scope="module",
    params=[*((name, {}) for name in sorted(DETECTORS)), *LOCAL],
    ids=lambda param: "-".join([param[0], *map(str, param[1].values())]),
)
def both(
    request: pytest.FixtureRequest, digits: Split, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The bundle of each detector, on digit 3."""
    name, values = request.param
    configuration = Configuration(
        detector=name, parameters={**PARAMETERS[name], **values}, runtime={"device": "cpu"}
    )
    cell = train_cell(configuration, digits.development, digits.test, "3", seed=0)
    folder = tmp_path_factory.mktemp("both") / "3"
    write_bundle(folder, configuration, digits, [cell])
    return folder


def test_onnxruntime_scores_and_rebuilds_as_torch_does(both: Path, digits: Split) -> None:
    images = digits.test.images[:300]  # more than one batch of 256
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


def test_images_of_any_size_score_as_memgan_scores_their_files(both: Path, digits: Split) -> None:
    bundle = load_bundle(both, backend="torch")
    graph = onnxruntime.InferenceSession(both / "model.onnx", providers=["CPUExecutionProvider"])
    given = graph.get_inputs()[0]
    assert (given.type, given.shape) == ("tensor(uint8)", ["N", 1, "H", "W"])
    outputs = {output.name: output for output in graph.get_outputs()}
    assert {output.type for output in outputs.values()} == {"tensor(float)"}

    rng = np.random.default_rng(0)
    for size in ((8, 8), (23, 9), (31, 57), (5, 12)):
        images = rng.integers(0, 256, (3, 1, *size), dtype=np.uint8)
        found = dict(zip(outputs, graph.run(list(outputs), {"images": images}), strict=True))
        seen = conform(images, (8, 8), None)
        scores = bundle.score(seen)
        np.testing.assert_allclose(found["scores"], scores, rtol=1e-3, atol=1e-5)
        own = bundle.p_values(found["scores"].astype(np.float64))
        np.testing.assert_allclose(found["p_values"], own, rtol=1e-6)
        maps = bundle.maps(seen)
        assert ("map" in found) == (maps is not None)
        if maps is not None:
            large = np.stack([enlarged(one, size) for one in maps])
            np.testing.assert_allclose(found["map"], large, rtol=1e-3, atol=0.02)


def test_no_part_of_a_graph_computes_in_double(both: Path) -> None:
    graph = onnx.load(both / "model.onnx").graph
    kinds = {tensor.data_type for tensor in graph.initializer}
    kinds |= {a.t.data_type for node in graph.node for a in node.attribute if a.HasField("t")}
    kinds |= {a.i for node in graph.node for a in node.attribute if a.name == "to"}

    assert TensorProto.DOUBLE not in kinds


def test_a_batch_of_one_size_can_be_fixed_with_the_tool_of_onnxruntime(
    bundle: Path, digits: Split, tmp_path: Path
) -> None:
    from onnxruntime.tools.make_dynamic_shape_fixed import make_dim_param_fixed

    model = onnx.load(bundle / "model.onnx")
    for name, size in (("N", 2), ("H", 20), ("W", 30)):
        make_dim_param_fixed(model.graph, name, size)
    fixed = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 20, 30), dtype=np.uint8)

    (scores,) = fixed.run(["scores"], {"images": images})

    expected = load_bundle(bundle, backend="torch").score(conform(images, (8, 8), None))
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_the_example_in_a_bundle_is_what_the_model_says_of_its_picture(both: Path) -> None:
    expected = json.loads((both / "example.json").read_text())
    image = np.asarray(Image.open(both / expected["image"]))
    graph = onnxruntime.InferenceSession(both / "model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in graph.get_outputs()]
    found = dict(zip(names, graph.run(names, {"images": image[None, None]}), strict=True))

    assert image.shape == (expected["height"], expected["width"]) != (8, 8)
    assert expected["score"] == pytest.approx(found["scores"][0], rel=1e-6)
    assert expected["p_value"] == pytest.approx(found["p_values"][0], rel=1e-6)
    assert ("map" in expected) == ("map" in found) == (both / "example_map.npy").exists()
    if "map" in expected:
        np.testing.assert_allclose(np.load(both / "example_map.npy"), found["map"][0], rtol=1e-5)
        assert expected["map"]["peak"]["value"] == pytest.approx(found["map"].max(), rel=1e-5)


def test_a_model_of_an_earlier_version_scores_on(bundle: Path, digits: Split) -> None:
    """One that takes images of its own size only, and gives double."""
    expected = load_bundle(bundle, backend="torch")
    detector = cast("Detector", expected.model)
    file = io.BytesIO()
    torch.onnx.export(
        detector.scorer(),
        (torch.zeros((2, 1, 8, 8), dtype=torch.uint8),),
        file,  # type: ignore[arg-type]
        dynamo=False,
        input_names=["images"],
        output_names=["scores", "rebuilt"],
        dynamic_axes={name: {0: "N"} for name in ("images", "scores", "rebuilt")},
    )
    (bundle / "model.onnx").write_bytes(file.getvalue())
    for name in ("example.png", "example.json", "example_map.npy"):
        (bundle / name).unlink()

    earlier = load_bundle(bundle, backend="onnx")

    images = digits.test.images[:9]
    np.testing.assert_allclose(earlier.score(images), expected.score(images), rtol=1e-4)
    maps, of_torch = earlier.maps(images), expected.maps(images)
    assert maps is not None
    assert of_torch is not None
    np.testing.assert_allclose(maps, of_torch, atol=0.01)


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


PCA = make_parameters("pca", {"components": 4}, "test")


def pca(images: Pixels) -> Detector:
    detector = build_detector(
        "pca",
        PCA,
        image_shape=images.shape[1:],
        seed=0,
        device=torch.device("cpu"),
    )
    detector.fit_epoch(images)
    return detector


def exported_of(detector: Detector, images: Pixels) -> bytes:
    return to_onnx(detector, PCA, images, normal_scores=[0.0])


def test_a_model_that_scores_otherwise_is_refused_with_the_gap(digits: Split) -> None:
    detector = pca(digits.development.train.images)
    honest = detector.score
    detector.score = lambda images: honest(images) * 1.001  # type: ignore[method-assign]

    with pytest.raises(MemganError, match=r"scores differ from torch's by up to 0\.001 relative"):
        exported_of(detector, digits.test.images[:20])


def test_an_image_that_is_rebuilt_to_the_last_digit_is_no_gap() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)

    assert exported_of(pca(images), images)


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

    assert "(1, 8, 8)" in refused(bundle, exported_of(pca(images), images))


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
    assert "by earlier versions, scores in double" in refused(
        bundle, small(narrow, TensorProto.FLOAT)
    )


def test_scores_that_are_no_numbers_are_told(digits: Split) -> None:
    detector = pca(digits.development.train.images)
    model = onnx.load_model_from_string(exported_of(detector, digits.test.images[:9]))
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = np.full(tuple(tensor.dims), np.nan, dtype=np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    with pytest.raises(BundleError, match="not finite"):
        OnnxModel(model.SerializeToString(), (1, 8, 8)).score(digits.test.images[:2])
