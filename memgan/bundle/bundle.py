"""A bundle: everything that scoring needs, in a folder a stranger can be given.

weights.safetensors  model.onnx  config.yaml  calibration.json  card.md
example.png  example.json  example_map.npy

It is scored with by torch, from the weights, or by onnxruntime, from the model; either may be
absent. Only the first imports torch.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field, SerializeAsAny, field_validator, model_validator

from memgan.analysis import residual, window_of
from memgan.bundle.bundle_folder import (
    CALIBRATION,
    CARD,
    CONFIG,
    EXAMPLE_FILES,
    MODEL,
    WEIGHTS,
    given_bundle,
)
from memgan.bundle.calibration import Calibration
from memgan.config import (
    DataConfig,
    DetectorParameters,
    Frozen,
    make_parameters,
    parse,
    read_yaml,
    to_yaml,
)
from memgan.data import LARGEST, SMALLEST, Pixels, check_pixels
from memgan.errors import BadInput, BundleError, MemganError, unknown_name
from memgan.machine import may_have_gpu
from memgan.text import one_or_two_lines

if TYPE_CHECKING:
    import torch

    from memgan.detectors import Rebuilt
from memgan.data import Scores

_LARGEST_FILE = {WEIGHTS: 2**30, MODEL: 2**30, CALIBRATION: 2**24, CONFIG: 2**18}
"""Bytes that no honest one has; what a bundle takes of memory follows from them."""
_FEW = 2**22
_FROZEN = "frozen."
"""Before the names of a frozen network's weights, which lie beside those that were learned."""

Backend = Literal["auto", "torch", "onnx"]


class BundleConfig(Frozen):
    """What a bundle's weights are weights of."""

    format: Literal[1] = 1
    detector: str
    normal_class: str
    seed: int = Field(ge=0)
    image_shape: tuple[int, int, int]
    """(C, H, W) that scores are made on; other images are resized on the way in."""
    data: DataConfig
    split_hash: str
    parameters: SerializeAsAny[DetectorParameters]
    versions: dict[str, str]

    @field_validator("image_shape")
    @classmethod
    def _not_tiny(cls, value: tuple[int, int, int]) -> tuple[int, int, int]:
        if value[0] < 1 or min(value[1:]) < SMALLEST:
            raise ValueError(f"one channel and {SMALLEST} pixels a side are the least")
        if math.prod(value) > LARGEST:
            raise ValueError(f"{LARGEST} values are the most")
        return value

    @model_validator(mode="before")
    @classmethod
    def _typed_parameters(cls, values: Any) -> Any:
        given = values.get("parameters") if isinstance(values, Mapping) else None
        if not isinstance(given, Mapping):
            return values
        detector = str(values.get("detector"))
        return {**values, "parameters": make_parameters(detector, given, "parameters")}


class ScoringModel(Protocol):
    """What a bundle scores with: a `Detector`, or an `OnnxModel`."""

    def score(self, images: Pixels) -> Scores: ...

    def rebuild(self, images: Pixels) -> Rebuilt | None: ...

    def maps(self, images: Pixels) -> Rebuilt | None: ...


_Reader = Callable[[Path, BundleConfig], ScoringModel]


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle. Scores are higher for images that look less like the normal class."""

    config: BundleConfig
    calibration: Calibration
    model: ScoringModel
    backend: Literal["torch", "onnx"]
    """What `model` computes with."""

    def __repr__(self) -> str:
        config = self.config
        shape = "×".join(map(str, config.image_shape))
        return one_or_two_lines(
            f"Bundle({config.detector}, normal class {config.normal_class}, images {shape},"
            f" scores by {self.backend})"
        )

    def score(self, images: Pixels) -> Scores:
        """float64 (N,) for images uint8 (N, C, H, W) of the bundle's own shape.

        BundleError for any other shape or type.
        """
        return self.model.score(check_pixels(images, self.config.image_shape))

    def rebuild(self, images: Pixels) -> Rebuilt | None:
        """What the detector makes of images uint8 (N, C, H, W), float32 of the same shape in grey
        levels from 0 to 255; None where it rebuilds nothing.

        BundleError for any other shape or type.
        """
        return self.model.rebuild(check_pixels(images, self.config.image_shape))

    def maps(self, images: Pixels) -> Rebuilt | None:
        """Where images uint8 (N, C, H, W) look less like the normal class, float32 (N, H, W): what
        the detector scores by pixel, else the residual in grey levels; None where it has neither.

        BundleError for any other shape or type.
        """
        found = self.model.maps(check_pixels(images, self.config.image_shape))
        if found is not None:
            return found
        rebuilt = self.rebuild(images)
        window = window_of(self.config.parameters)
        return None if rebuilt is None else residual(images, rebuilt, window)

    def p_values(self, scores: Scores) -> npt.NDArray[np.float64]:
        """(1 + held-out normals that score at least as high) / (1 + held-out normals), (N,)."""
        return self.calibration.p_values(scores)

    def verdicts(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """bool (N,): True where the p-value is at most the false-alarm rate."""
        return self.calibration.verdicts(scores)


# Each of its parameters is one of a bundle's parts.
def save_bundle(
    folder: Path,
    config: BundleConfig,
    weights: Mapping[str, torch.Tensor],
    model: bytes | None,
    calibration: Calibration,
    card: str,
    frozen: Mapping[str, torch.Tensor] = MappingProxyType({}),
    example: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Write a bundle; the folder is complete when this returns, and made if it is absent.

    model: the same detector as ONNX (`onnx_export.to_onnx`); None where the parameters say that it
    scores `only_in_torch`. frozen: of `Detector.frozen`. example: of `example_files`.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    # First, as it tells whose the others are, should this be cut short.
    (folder / CONFIG).write_text(to_yaml(config), encoding="utf-8")
    held = {**weights, **{_FROZEN + name: value for name, value in frozen.items()}}
    content = save({name: value.contiguous() for name, value in held.items()})
    (folder / WEIGHTS).write_bytes(content)  # save_file would let nobody else read it
    if model is None:
        (folder / MODEL).unlink(missing_ok=True)  # Of an earlier bundle that lay here.
    else:
        (folder / MODEL).write_bytes(model)
    (folder / CALIBRATION).write_text(calibration.model_dump_json(indent=1), encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")
    for name in {*EXAMPLE_FILES} - example.keys():  # Of an earlier bundle that lay here.
        (folder / name).unlink(missing_ok=True)
    for name, content_of in example.items():
        (folder / name).write_bytes(content_of)


def load_bundle(
    folder: Path | str, *, device: str = "auto", backend: Backend | str = "auto"
) -> Bundle:
    """The bundle in a folder, or the only one of an export, ready to score.

    backend: `torch` computes from the weights, `onnx` from the ONNX model, on the CPU and without
    torch; `auto` takes the model where the CPU computes, it is there and onnxruntime is installed,
    else the weights. Raises BundleError where a file is absent
    or damaged, a key missing, a shape wrong, the weights are anything but safetensors, or the
    model is more than a plain graph. Nothing in a bundle is ever executed.
    """
    if backend not in ("auto", "torch", "onnx"):
        raise unknown_name("backend", backend, ("auto", "torch", "onnx"))
    folder = given_bundle(Path(folder))
    chosen = _choose(folder, backend, device)
    for name in (WEIGHTS if chosen == "torch" else MODEL, CONFIG, CALIBRATION):
        _check_file(folder, name)
    read = _by_torch(device) if chosen == "torch" else _by_onnx(device)
    try:
        config = parse(BundleConfig, read_yaml(folder / CONFIG), CONFIG)
        calibration = read_calibration(folder / CALIBRATION)
        model = read(folder, config)
    except MemganError as error:
        raise BundleError(f"{folder}: {_leading_on(str(error))}") from None
    except (RuntimeError, MemoryError, OverflowError, TypeError) as error:
        # Sizes that no machine has room for, and numbers that no tensor can be asked for.
        fault = f"{CONFIG} cannot be built ({_line(error)})"
        raise BundleError(f"{folder}: {_leading_on(fault)}") from None
    return Bundle(config, calibration, model, chosen)


def _check_file(folder: Path, name: str) -> None:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder} lacks {name}; export the bundle again")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{folder}: {name} is a link that leads out of the bundle; copy the file")
    if path.stat().st_size > _LARGEST_FILE[name]:
        raise BundleError(f"{folder}: {name} is larger than any of ours; export the bundle again")


def _choose(folder: Path, backend: str, device: str) -> Literal["torch", "onnx"]:
    if backend == "onnx" or (backend == "auto" and _scores_by_model(folder, device)):
        return "onnx"
    return "torch"


def _scores_by_model(folder: Path, device: str) -> bool:
    """Whether the ONNX model gives the same scores sooner: torch takes seconds to be imported."""
    if device not in ("auto", "cpu") or not (folder / MODEL).exists():
        return False
    if not (folder / WEIGHTS).exists():
        return True
    on_cpu = device == "cpu" or not may_have_gpu()
    return on_cpu and importlib.util.find_spec("onnxruntime") is not None


def _by_torch(device: str) -> _Reader:
    from memgan.detectors import build_detector, detector_type
    from memgan.machine import resolve_device

    computes_on = resolve_device(device)

    def read(folder: Path, config: BundleConfig) -> ScoringModel:
        weights, frozen = _parted(_read_weights(folder / WEIGHTS))
        held = sum(value.numel() for value in weights.values())
        kind = detector_type(config.detector)
        needed = kind.weight_count(config.parameters, config.image_shape)
        if needed > held + _FEW:  # Smaller gaps are told by name, once it is built.
            raise BundleError(f"{WEIGHTS} holds {held} values, {CONFIG} asks for {needed}")
        detector = build_detector(
            config.detector,
            config.parameters,
            image_shape=config.image_shape,
            seed=config.seed,
            device=computes_on,
        )
        detector.load_weights(weights)
        detector.take_frozen(frozen)
        return detector

    return read


def _leading_on(fault: str) -> str:
    """A fault of a file of a bundle with what to do about it, which most faults leave open."""
    return fault if "; " in fault else f"{fault}; export the bundle again"


def _parted(held: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], ...]:
    """What was learned, and what of a file is its frozen network's."""
    learned = {name: value for name, value in held.items() if not name.startswith(_FROZEN)}
    frozen = {k.removeprefix(_FROZEN): v for k, v in held.items() if k.startswith(_FROZEN)}
    return learned, frozen


def _by_onnx(device: str) -> _Reader:
    from memgan.bundle.graph.onnx_model import OnnxModel

    if device not in ("auto", "cpu"):
        raise BadInput(f"device {device!r}: an ONNX model scores only on the CPU")

    def read(folder: Path, config: BundleConfig) -> ScoringModel:
        try:
            content = (folder / MODEL).read_bytes()
            return OnnxModel(content, config.image_shape, config.parameters.images_at_once)
        except BundleError as error:
            raise BundleError(f"{MODEL}: {error}") from None

    return read


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights: dict[str, torch.Tensor] = load_file(path)
        return weights
    except (SafetensorError, OSError, ValueError) as error:
        raise BundleError(
            f"{path.name} is not a safetensors file ({_line(error)}); export the bundle again"
        ) from None


def read_calibration(path: Path) -> Calibration:
    """The calibration of a bundle. BundleError if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return parse(Calibration, content, path.name)
    except RecursionError:
        raise BundleError(f"{path.name} cannot be read (nested too deep)") from None
    except (OSError, ValueError, MemganError) as error:
        raise BundleError(f"{path.name} cannot be read ({_line(error)})") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
