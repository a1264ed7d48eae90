"""A fitted detector as an ONNX model that scores as it does, or not at all."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from memgan.bundle.onnx_model import INPUT, MAP, REBUILT, SCORES, OnnxModel
from memgan.data import Pixels
from memgan.detectors import Detector
from memgan.errors import MemganError

TOLERANCE = 1e-4
"""How far, relative to torch's, a score of onnxruntime's may lie."""
_NOTHING = 1e-6
"""What a score of an image that is rebuilt perfectly may differ by: its digits are rounding."""
_RANDOM_IMAGES = 64

Floats = npt.NDArray[np.floating[Any]]


def to_onnx(detector: Detector, images: Pixels) -> bytes:
    """The content of `model.onnx`: `images` uint8 (N, C, H, W) to `scores`, float64 (N,), and
    `rebuilt`, float32 (N, C, H, W), where the detector rebuilds, or `map`, float32 (N, H, W), where
    it scores by pixel.

    images: real ones to try it on, which random ones join. MemganError, saying by how much, if
    onnxruntime's scores are not torch's.
    """
    content = _trace(detector)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (_RANDOM_IMAGES, *detector.image_shape), dtype=np.uint8)
    tried = np.concatenate([images, noise])
    model = OnnxModel(content, detector.image_shape, detector.at_once)
    scores = detector.score(tried)
    # Some scores cross 0, where none is near enough relative to itself.
    nothing = max(_NOTHING, TOLERANCE * float(scores[: len(images)].std()))
    _compare("scores", model.score(tried), scores, nothing)
    rebuilt, expected = model.rebuild(tried), detector.rebuild(tried)
    if rebuilt is not None and expected is not None:
        _compare("rebuilt images", rebuilt, expected, TOLERANCE * 255)
    maps, expected = model.maps(tried), detector.maps(tried)
    if maps is not None and expected is not None:
        _compare("maps", maps, expected, TOLERANCE * float(expected.max()))
    return content


def _trace(detector: Detector) -> bytes:
    """The graph by torch's tracer.

    The exporter that torch prefers by now takes 2 to 5 seconds a model, the tracer a twentieth of
    one for the same scores, and a study has a model a class.
    """
    scorer = detector.scorer()
    example = torch.zeros((2, *detector.image_shape), dtype=torch.uint8, device=detector.device)
    with torch.no_grad():
        given = scorer(example)
    outputs = [SCORES, *(REBUILT if more.dim() == 4 else MAP for more in given[1:])]
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            scorer,
            (example,),
            file,  # type: ignore[arg-type]  # the tracer writes to files that are open, too
            dynamo=False,
            input_names=[INPUT],
            output_names=outputs,
            dynamic_axes={name: {0: "N"} for name in (INPUT, *outputs)},
        )
    return file.getvalue()


def _compare(what: str, found: Floats, expected: Floats, nothing: float) -> None:
    gaps = np.abs(found - expected)
    if (gaps <= TOLERANCE * np.abs(expected) + nothing).all():
        return
    worst = float(np.max(gaps / np.maximum(np.abs(expected), nothing)))
    raise MemganError(
        f"the ONNX model is not written: its {what} differ from torch's by up to {worst:.2g}"
        f" relative, allowed is {TOLERANCE:g}; please report this"
    )
