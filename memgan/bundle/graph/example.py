"""A picture in a bundle with what the bundle's model must say of it, for programs elsewhere."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import numpy as np
from PIL import Image

from memgan.bundle.bundle_folder import EXAMPLE, EXAMPLE_MAP, EXPECTED
from memgan.bundle.calibration import Calibration
from memgan.bundle.graph.onnx_model import OnnxModel
from memgan.data import Pixels

_TOLERANCE = 1e-3
"""Relative: runtimes and processors round in ways of their own."""
_MOST_PIXELS = 512
"""A side, of the picture."""


def example_files(
    content: bytes, image_shape: tuple[int, int, int], calibration: Calibration
) -> Mapping[str, bytes]:
    """The picture, what the model (`content`, for images of this shape) finds, and its map, by
    their names in a bundle. Empty for other than one or three channels, which no PNG holds.

    The picture is made, and of another size than the detector's: no image of the user's leaves
    with a bundle, and a program that resizes in a way of its own gets another score.
    """
    if image_shape[0] not in (1, 3):
        return {}
    image = _made(image_shape)
    model = OnnxModel(content, image_shape)
    scores, maps = model.score(image[None]), model.maps(image[None])
    expected = {
        "image": EXAMPLE,
        "height": image.shape[1],
        "width": image.shape[2],
        "channels": image.shape[0],
        "score": float(scores[0]),
        "p_value": float(calibration.p_values(scores)[0]),
        "relative_tolerance": _TOLERANCE,
    }
    files = {EXAMPLE: _png(image)}
    if maps is not None:
        row, column = np.unravel_index(int(maps[0].argmax()), maps[0].shape)
        peak = {"value": float(maps[0].max()), "row": int(row), "column": int(column)}
        expected["map"] = {"file": EXAMPLE_MAP, "peak": peak}
        file = io.BytesIO()
        np.save(file, maps[0], allow_pickle=False)
        files[EXAMPLE_MAP] = file.getvalue()
    files[EXPECTED] = (json.dumps(expected, indent=1) + "\n").encode()
    return files


def _made(image_shape: tuple[int, int, int]) -> Pixels:
    """Waves of several lengths and a disc, uint8 (C, H, W)."""
    channels, height, width = image_shape
    size = min(_MOST_PIXELS, 3 * height // 2 + 1), min(_MOST_PIXELS, 5 * width // 4 + 3)
    y, x = np.mgrid[: size[0], : size[1]] / np.array(size).reshape(2, 1, 1)
    disc = 60 * ((y - 0.4) ** 2 + (x - 0.6) ** 2 < 0.02)
    planes = [
        120 + 50 * np.sin(6 * x + 4 * y + k) + 30 * np.cos(60 * y * (1 + x) + 2 * k) - disc
        for k in range(channels)
    ]
    made: Pixels = np.clip(np.rint(np.stack(planes)), 0, 255).astype(np.uint8)
    return made


def _png(image: Pixels) -> bytes:
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return file.getvalue()
