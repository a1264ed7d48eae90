"""Bundles: the same scores as before export, and nothing that is damaged or hostile gets in."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from memgan.bundle.bundle import load_bundle
from memgan.bundle.bundle_of_cells import write_bundle
from memgan.config.configuration import Configuration
from memgan.data import Split
from memgan.errors import BadInput, BundleError
from memgan.training.cells import Cell
from memgan.training.lockstep import Training

Tiny = Callable[..., Configuration]


def change_config(bundle: Path, **values: Any) -> None:
    content = yaml.safe_load((bundle / "config.yaml").read_text())
    (bundle / "config.yaml").write_text(yaml.safe_dump({**content, **values}))


def refusal(bundle: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(bundle, device="cpu", backend="torch")
    line = str(caught.value)
    assert "\n" not in line
    assert str(bundle) in line
    return line


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_scores_equal_those_before_export(
    bundle: Path, cell: Cell, digits: Split, backend: str
) -> None:
    loaded = load_bundle(bundle, device="cpu", backend=backend)

    scores = loaded.score(digits.test.images)

    np.testing.assert_allclose(scores, cell.test_scores, rtol=1e-6)
    assert loaded.calibration.normal_scores == tuple(cell.normal_scores)
    assert loaded.config.split_hash == digits.hash
    assert (loaded.verdicts(scores) == (loaded.p_values(scores) <= 0.1)).all()
    assert loaded.p_values(scores).min() >= 1 / (1 + len(cell.normal_scores))


@pytest.mark.parametrize(
    ("detector", "parameters"), [("pca", {"components": 4}), ("neighbours", {"neighbours": 2})]
)
def test_every_detector_travels(
    detector: str, parameters: dict[str, int], digits: Split, tmp_path: Path
) -> None:
    from memgan.training.cells import train_cell

    configuration = Configuration(
        detector=detector, parameters=parameters, runtime={"device": "cpu"}
    )
    cell = train_cell(configuration, digits.development, digits.test, "3", seed=0)
    write_bundle(tmp_path / "3", configuration, digits, [cell])

    scores = load_bundle(tmp_path / "3", backend="torch").score(digits.test.images)

    np.testing.assert_allclose(scores, cell.test_scores, rtol=1e-6)


def test_the_configuration_tells_what_the_weights_are(bundle: Path, digits: Split) -> None:
    config = load_bundle(str(bundle)).config

    assert (config.detector, config.normal_class, config.seed) == ("memgan", "1", 0)
    assert config.image_shape == (1, 8, 8)
    assert config.data.source == "digits"
    assert "torch" in config.versions
    assert "made from" not in (bundle / "card.md").read_text()


def test_images_of_another_shape_are_refused(bundle: Path) -> None:
    loaded = load_bundle(bundle, device="cpu")

    for images in (np.zeros((2, 1, 9, 8), np.uint8), np.zeros((2, 1, 8, 8), np.float32)):
        with pytest.raises(BundleError, match=r"this bundle scores uint8 \(N, 1, 8, 8\)"):
            loaded.score(images)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_fractions_lists_and_other_channels_are_refused_with_what_is_wanted(
    bundle: Path, backend: str
) -> None:
    loaded = load_bundle(bundle, backend=backend)
    image = np.full((1, 1, 8, 8), 255, np.uint8)
    wanted = r"uint8 \(N, 1, 8, 8\), values from 0 to 255"

    for score in (loaded.score, loaded.model.score) if backend == "onnx" else (loaded.score,):
        with pytest.raises(BundleError, match=rf"{wanted}; are they fractions from 0 to 1\? Then"):
            score(image / 255)  # type: ignore[arg-type]
        for given in ([], image.tolist(), image.astype(np.int64), np.tile(image, (1, 3, 1, 1))):
            with pytest.raises(BundleError, match=wanted):
                score(given)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match=wanted):
        loaded.rebuild(image / 255)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["weights.safetensors", "config.yaml", "calibration.json"])
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / "model.onnx").unlink()
    (bundle / name).unlink()

    assert f"lacks {name}" in refusal(bundle)


def test_a_file_or_nothing_is_no_bundle(bundle: Path) -> None:
    assert "is one file of a bundle; give its folder" in refusal(bundle / "config.yaml")
    assert "nowhere does not exist" in refusal(bundle / "nowhere")


def change_weights(bundle: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(bundle / "weights.safetensors")
    change(weights)
    save_file(weights, bundle / "weights.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("memory.units"), "lack 'memory.units'"),
        (lambda w: w.update(extra=torch.zeros(1)), "unknown key 'extra'"),
        (lambda w: w.update({"memory.units": torch.zeros(5, 4)}), r"shape (5, 4)"),
        (lambda w: w.update({"memory.units": torch.zeros(4, 4).double()}), "float64"),
        (lambda w: w.update({"memory.units": torch.full((4, 4), torch.nan)}), "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    bundle: Path, change: Callable[[dict[str, torch.Tensor]], Any], message: str
) -> None:
    change_weights(bundle, change)

    said = refusal(bundle)
    assert message in said
    assert said.endswith("; export the bundle again")


class _Bomb:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
@pytest.mark.parametrize("name", ["weights.safetensors", "config.yaml", "calibration.json"])
def test_a_pickle_is_refused_and_never_run(
    bundle: Path, tmp_path: Path, write: Callable[[Any, Path], Any], name: str
) -> None:
    sprung = tmp_path / "sprung"
    write(_Bomb(sprung), bundle / name)
    pickle.loads(pickle.dumps(_Bomb(tmp_path / "live")))  # noqa: S301  # so the bomb is a real one
    assert (tmp_path / "live").is_dir()

    assert name in refusal(bundle)
    assert not sprung.exists()


def test_honest_weights_in_torchs_own_format_are_refused(bundle: Path) -> None:
    weights = load_file(bundle / "weights.safetensors")
    torch.save(weights, bundle / "weights.safetensors")

    assert "is not a safetensors file" in refusal(bundle)


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"\xff" * 64, b"\x08" + b"\x00" * 7 + b"{}"])
def test_garbage_is_no_weights(bundle: Path, content: bytes) -> None:
    (bundle / "weights.safetensors").write_bytes(content)

    assert "weights" in refusal(bundle)


def test_a_cut_file_is_no_weights(bundle: Path) -> None:
    whole = (bundle / "weights.safetensors").read_bytes()
    (bundle / "weights.safetensors").write_bytes(whole[:-16])

    assert "is not a safetensors file" in refusal(bundle)


def test_a_yaml_tag_is_refused_and_never_run(bundle: Path, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    config = bundle / "config.yaml"
    config.write_text(f"{config.read_text()}\nx: !!python/object/apply:os.mkdir [{sprung}]\n")

    assert "config.yaml" in refusal(bundle)
    assert not sprung.exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"normal_clas": "1"}, "did you mean 'normal_class'"),
        ({"detector": "memgam"}, "did you mean 'memgan'"),
        ({"parameters": {"memory_unit": 4}}, "did you mean 'memory_units'"),
        ({"parameters": {"memory_units": 10**15}}, "config.yaml"),
        ({"image_shape": [1, 2, 2]}, "8 pixels a side"),
        ({"image_shape": [0, 8, 8]}, "image_shape"),
        ({"format": 2}, "format"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_configuration_that_is_none_of_ours_is_refused(
    bundle: Path, values: dict[str, Any], message: str
) -> None:
    change_config(bundle, **values)

    assert message in refusal(bundle)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "[1, 2]",
        "{",
        '{"normal_scores": []}',
        '{"normal_scores": [NaN]}',
        '{"normal_scores": [1.0, Infinity]}',
        '{"normal_scores": ["a"]}',
        '{"normal_scores": [1.0], "false_alarm_rate": 0}',
        '{"normal_scores": [1.0], "surprise": 1}',
    ],
)
def test_garbage_calibrates_nothing(bundle: Path, content: str) -> None:
    (bundle / "calibration.json").write_text(content)

    assert "calibration.json" in refusal(bundle)


def test_a_device_that_is_not_there_is_refused(bundle: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")

    with pytest.raises(BadInput, match="torch finds none"):
        load_bundle(bundle, device="cuda")


def test_a_bundle_holds_no_path_of_the_machine_it_was_made_on(
    digits: Split, cell: Cell, tiny: Tiny, tmp_path: Path
) -> None:
    configuration = tiny(data={"source": "digits", "dir": tmp_path / "private"})

    write_bundle(tmp_path / "b", configuration, digits, [cell])

    assert "private" not in (tmp_path / "b" / "config.yaml").read_text()
    assert json.loads((tmp_path / "b" / "calibration.json").read_text())["normal_scores"]


def test_a_trained_detectors_weights_are_all_that_scoring_needs(
    bundle: Path, tiny: Tiny, digits: Split
) -> None:
    training = Training(tiny(), digits.development, classes=["1"], seed=0)
    while not training.finished:
        training.advance(validate=False)
    training.prepare_to_score()
    save_file(training.detectors["1"].weights(), bundle / "weights.safetensors")

    np.testing.assert_allclose(
        load_bundle(bundle, backend="torch").score(digits.test.images[:50]),
        training.detectors["1"].score(digits.test.images[:50]),
        rtol=1e-6,
    )
