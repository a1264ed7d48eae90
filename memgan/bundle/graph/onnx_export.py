"""A fitted detector as an ONNX model that scores as it does, or not at all."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from memgan.analysis import residual, window_of
from memgan.bundle.graph.onnx_model import INPUT, MAP, P_VALUES, REBUILT, SCORES, OnnxModel
from memgan.bundle.graph.single import in_single
from memgan.bundle.graph.whole import Whole
from memgan.config import DetectorParameters, ResizePolicy
from memgan.data import Pixels, conform, enlarged
from memgan.detectors import Detector
from memgan.errors import MemganError

TOLERANCE = 1e-4
"""How far, relative to torch's, a score of onnxruntime's may lie."""
_NOTHING = 1e-6
"""What a score of an image that is rebuilt perfectly may differ by: its digits are rounding."""
_RANDOM_IMAGES = 64
_OF_OTHER_SIZE = 3

Floats = npt.NDArray[np.floating[Any]]


def to_onnx(
    detector: Detector,
    parameters: DetectorParameters,
    images: Pixels,
    *,
    normal_scores: Sequence[float],
    resize: ResizePolicy = "fit",
) -> bytes:
    """The content of `model.onnx`: `images`, uint8 (N, C, H, W) of any height and width, to
    `scores` and `p_values`, float32 (N,); where the detector knows places, also to `map`, float32
    (N, H, W); where it rebuilds, also to `rebuilt`, float32 (N, C, h, w), at its own size.

    images: real ones to try it on, which random ones join, and some of other sizes. normal_scores:
    of the calibration. MemganError, saying by how much, if onnxruntime's scores are not torch's.
    """
    whole = Whole(
        detector.scorer(),
        detector.image_shape,
        normal_scores=normal_scores,
        resize=resize,
        window=window_of(parameters),
    )
    exact = _trace(whole, detector)
    trial = _Trial(detector, images, resize, window_of(parameters))
    try:
        content: bytes = in_single(exact).SerializeToString()
        trial.judge(content)
    except MemganError:
        # Some detectors need the digits of double, which most runtimes know.
        content = exact.SerializeToString()
        trial.judge(content)
    return content


class _Trial:
    """What a model must give on some images, by torch."""

    def __init__(
        self, detector: Detector, images: Pixels, resize: ResizePolicy, window: int
    ) -> None:
        rng = np.random.default_rng(0)
        shape = detector.image_shape
        noise = rng.integers(0, 256, (_RANDOM_IMAGES, *shape), dtype=np.uint8)
        self._shape, self._at_once, self._real = shape, detector.at_once, len(images)
        self._tried = np.concatenate([images, noise])
        self._rebuilt = detector.rebuild(self._tried)
        self._expected = [(self._tried, *_judged(detector, self._tried, resize, window))]
        for height, width in _other_sizes(shape[1:]):
            chosen = self._tried[: self._real][:_OF_OTHER_SIZE]
            large = conform(chosen, (height, width), None)
            self._expected.append((large, *_judged(detector, large, resize, window)))

    def judge(self, content: bytes) -> None:
        model = OnnxModel(content, self._shape, self._at_once)
        scores = self._expected[0][1]
        # Some scores cross 0, where none is near enough relative to itself.
        nothing = max(_NOTHING, TOLERANCE * float(scores[: self._real].std()))
        for images, expected, maps in self._expected:
            _compare("scores", model.score(images), expected, nothing)
            found = model.maps(images)
            if found is not None and maps is not None:
                _compare("maps", found, maps, TOLERANCE * max(float(maps.max()), _NOTHING))
        rebuilt = model.rebuild(self._tried)
        if rebuilt is not None and self._rebuilt is not None:
            _compare("rebuilt images", rebuilt, self._rebuilt, TOLERANCE * 255)


def _judged(
    detector: Detector, images: Pixels, resize: ResizePolicy, window: int
) -> tuple[Floats, Floats | None]:
    """Scores and maps of images of any one size, as memgan itself finds them."""
    seen = conform(images, detector.image_shape[1:], None, resize)
    maps = detector.maps(seen)
    if maps is None and (rebuilt := detector.rebuild(seen)) is not None:
        maps = residual(seen, rebuilt, window)
    if maps is not None:
        maps = np.stack([enlarged(one, images.shape[2:], resize) for one in maps])
    return detector.score(seen), maps


def _other_sizes(size: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Larger and smaller than what is trained on, in other proportions."""
    height, width = size
    yield 3 * height // 2 + 1, 5 * width // 4 + 3
    yield 2 * height, 2 * width
    yield max(1, 2 * height // 3), 2 * width + 1


def _trace(whole: Whole, detector: Detector) -> Any:
    """The graph by torch's tracer, an onnx.ModelProto.

    The exporter that torch prefers by now takes 2 to 5 seconds a model, the tracer a twentieth of
    one for the same scores, and a study has a model a class.
    """
    import onnx

    channels, height, width = detector.image_shape
    # Of another size, as what a tracer finds equal it may take for the same.
    example = torch.zeros((2, channels, height + 3, width + 5), dtype=torch.uint8)
    with torch.no_grad():
        given = whole(example)
    outputs = [SCORES, P_VALUES, *(REBUILT if more.dim() == 4 else MAP for more in given[2:])]
    axes = {name: {0: "N"} for name in (INPUT, *outputs)}
    axes[INPUT] |= {2: "H", 3: "W"}
    if MAP in axes:
        axes[MAP] |= {1: "H", 2: "W"}
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole,
            (example,),
            file,  # type: ignore[arg-type]  # the tracer writes to files that are open, too
            dynamo=False,
            input_names=[INPUT],
            output_names=outputs,
            dynamic_axes=axes,
        )
    return onnx.load_model_from_string(file.getvalue())


def _compare(what: str, found: Floats, expected: Floats, nothing: float) -> None:
    gaps = np.abs(found - expected)
    if (gaps <= TOLERANCE * np.abs(expected) + nothing).all():
        return
    worst = float(np.max(gaps / np.maximum(np.abs(expected), nothing)))
    raise MemganError(
        f"the ONNX model is not written: its {what} differ from torch's by up to {worst:.2g}"
        f" relative, allowed is {TOLERANCE:g}; please report this"
    )
