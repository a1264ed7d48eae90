"""A bundle: everything that scoring needs, in a folder a stranger can be given.

weights.safetensors  config.yaml  calibration.json  card.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, SerializeAsAny, field_validator, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from memgan.calibration import Calibration
from memgan.config import DataConfig, Frozen, parse, read_yaml, to_yaml
from memgan.data.images import SMALLEST, Pixels
from memgan.detectors import Detector, Scores, build_detector
from memgan.errors import BundleError, MemganError
from memgan.parameters import DetectorParameters, make_parameters
from memgan.runtime import resolve_device

WEIGHTS, CONFIG, CALIBRATION, CARD = (
    "weights.safetensors",
    "config.yaml",
    "calibration.json",
    "card.md",
)


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
        return value

    @model_validator(mode="before")
    @classmethod
    def _typed_parameters(cls, values: Any) -> Any:
        given = values.get("parameters") if isinstance(values, Mapping) else None
        if not isinstance(given, Mapping):
            return values
        detector = str(values.get("detector"))
        return {**values, "parameters": make_parameters(detector, given, "parameters")}


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle. Scores are higher for images that look less like the normal class."""

    config: BundleConfig
    calibration: Calibration
    detector: Detector

    def score(self, images: Pixels) -> Scores:
        """float64 (N,) for images uint8 (N, C, H, W) of the bundle's own shape.

        BundleError for any other shape or type.
        """
        expected = self.config.image_shape
        if images.dtype != np.uint8 or images.shape[1:] != expected:
            raise BundleError(
                f"images are {images.dtype} {images.shape}, this bundle scores uint8"
                f" (N, {', '.join(map(str, expected))})"
            )
        return self.detector.score(images)

    def p_values(self, scores: Scores) -> npt.NDArray[np.float64]:
        """Share of held-out normals that score at least as high, (N,), never 0."""
        return self.calibration.p_values(scores)

    def verdicts(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """bool (N,): True where the score is above the threshold of the false-alarm rate."""
        return self.calibration.verdicts(scores)


def save_bundle(
    folder: Path,
    config: BundleConfig,
    weights: Mapping[str, torch.Tensor],
    calibration: Calibration,
    card: str,
) -> None:
    """Write a bundle; the folder is complete when this returns, and made if it is absent."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(to_yaml(config), encoding="utf-8")
    (folder / CALIBRATION).write_text(calibration.model_dump_json(indent=1), encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")


def load_bundle(folder: Path | str, *, device: str = "auto") -> Bundle:
    """The bundle in a folder, ready to score.

    Raises BundleError where a file is absent or damaged, a key missing, a shape wrong, or the
    weights are anything but safetensors. Nothing in a bundle is ever executed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BundleError(f"{folder} is not a folder; give one that `memgan export` wrote")
    for name in (WEIGHTS, CONFIG, CALIBRATION):
        if not (folder / name).is_file():
            raise BundleError(f"{folder} lacks {name}; export the bundle again")
    computes_on = resolve_device(device)
    try:
        config = parse(BundleConfig, read_yaml(folder / CONFIG), CONFIG)
        calibration = _read_calibration(folder / CALIBRATION)
        detector = build_detector(
            config.detector,
            config.parameters,
            image_shape=config.image_shape,
            seed=config.seed,
            device=computes_on,
        )
        detector.load_weights(_read_weights(folder / WEIGHTS))
    except MemganError as error:
        raise BundleError(f"{folder}: {error}") from None
    except (RuntimeError, MemoryError) as error:  # sizes that no machine has room for
        raise BundleError(f"{folder}: {CONFIG} cannot be built ({_line(error)})") from None
    return Bundle(config, calibration, detector)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        weights: dict[str, torch.Tensor] = load_file(path)
        return weights
    except (SafetensorError, OSError, ValueError) as error:
        raise BundleError(
            f"{path.name} is not a safetensors file ({_line(error)}); export the bundle again"
        ) from None


def _read_calibration(path: Path) -> Calibration:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return parse(Calibration, content, path.name)
    except (OSError, ValueError, MemganError) as error:
        raise BundleError(f"{path.name} cannot be read ({_line(error)})") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
