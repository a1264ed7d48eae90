"""The script in a logged model: MLflow runs this very file wherever the model is served.

It needs mlflow, numpy, onnxruntime, pandas and pillow, and nothing of this package, which a server
may not have. Never import it: it declares itself to be the model that is just being made or loaded.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when onnxruntime is imported

import numpy as np
import onnxruntime
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from PIL import Image, ImageOps, UnidentifiedImageError

_AT_ONCE = 256
_LARGEST_FILE = 2**26
_MOST_PIXELS = 2**25
"""Of a file, so that a small one cannot ask for all memory."""


class Detectors(PythonModel):  # type: ignore[misc]  # MLflow has no types
    """One detector for each normal class: scores, p-values and verdicts of images."""

    def load_context(self, context: Any) -> None:
        """Take every `bundles/<normal class>/model.onnx` with its `calibration.json`."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.sessions, self.normal_scores, self.rates = {}, {}, {}
        for folder in sorted(Path(context.artifacts["bundles"]).iterdir()):
            name = folder.name
            self.sessions[name] = onnxruntime.InferenceSession(
                folder / "model.onnx", options, providers=["CPUExecutionProvider"]
            )
            calibration = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
            self.normal_scores[name] = np.asarray(calibration["normal_scores"])
            self.rates[name] = calibration["false_alarm_rate"]
            if shortage := self._shortage(name, self.rates[name]):
                logging.getLogger("mlflow").warning("%s; no image is called anomalous", shortage)

    def predict(
        self,
        context: Any,
        model_input: np.ndarray,  # of all hints the one that MLflow takes as it is
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """score, p_value and anomalous of images: (N, C, H, W) as whole numbers from 0 to 255, or
        a list of PNG or JPEG files as base64. They may have any height and width.

        An image is anomalous where its p-value is at most the false-alarm rate.
        params: `normal_class`, and `false_alarm_rate` in (0, 1); both have defaults.
        """
        params = params or {}
        name, rate = params["normal_class"], params["false_alarm_rate"]
        if name not in self.sessions:
            raise _refused(f"normal_class {name!r}: this model knows {', '.join(self.sessions)}")
        if not 0 < rate < 1:
            raise _refused(f"false_alarm_rate {rate}: must lie between 0 and 1")
        # The export's own rate was not asked for by this request; the log tells of it at the start.
        if rate != self.rates[name] and (shortage := self._shortage(name, rate)):
            raise _refused(shortage)
        session, normals = self.sessions[name], self.normal_scores[name]  # normals: ascending
        shape = _Shape(*session.get_inputs()[0].shape[1:])
        files = _files(model_input)
        images = _pixels(model_input, shape) if files is None else _decoded(files, shape)
        at_once = _AT_ONCE if files is None else 1  # Files differ in size.
        scores = np.empty(len(images))
        for start in range(0, len(images), at_once):
            part = slice(start, start + at_once)
            given = images[start][None] if files else images[part]
            (scores[part],) = session.run(["scores"], {"images": given})
        if not np.isfinite(scores).all():
            raise MlflowException("the model's scores are not finite; export the study again")
        at_least = len(normals) - np.searchsorted(normals, scores, side="left")
        p_values = (1 + at_least) / (1 + len(normals))
        return pd.DataFrame({"score": scores, "p_value": p_values, "anomalous": p_values <= rate})

    def _shortage(self, name: str, rate: float) -> str | None:
        count = len(self.normal_scores[name])
        lowest = 1 / (1 + count)
        if lowest <= rate:
            return None
        return (
            f"false_alarm_rate {rate:g}: class {name} has {count} held-out normal images, which"
            f" give no p-value below {lowest:.3g}"
        )


class _Shape(NamedTuple):
    """What the model takes; "H" and "W" where any height and width will do."""

    channels: int
    height: int | str
    width: int | str

    def takes(self, shape: tuple[int, ...]) -> bool:
        return len(shape) == 3 and all(
            isinstance(wanted, str) or wanted == given
            for wanted, given in zip(self, shape, strict=True)
        )

    def wanted(self) -> str:
        size = f", {self.height} rows and {self.width} columns"
        return (
            f"send images of {self.channels} channel{'s' * (self.channels > 1)}"
            f"{'' if isinstance(self.height, str) else size} as whole numbers from 0 to 255, or PNG"
            " or JPEG files as base64"
        )


def _files(given: Any) -> list[str] | None:
    """The texts of a request that has files; None of one that has numbers."""
    values = given.ravel().tolist() if isinstance(given, np.ndarray) and given.ndim < 3 else given
    if not isinstance(values, list) or not values:
        return None
    return values if all(isinstance(value, str) for value in values) else None


def _decoded(files: list[str], shape: _Shape) -> list[np.ndarray]:
    """Each file as uint8 (C, H, W)."""
    return [_picture(text, f"image {at}", shape) for at, text in enumerate(files)]


def _picture(text: str, name: str, shape: _Shape) -> np.ndarray:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise _refused(f"{name} is not base64; {shape.wanted()}") from None
    if len(content) > _LARGEST_FILE:
        raise _refused(f"{name} has {len(content)} bytes, {_LARGEST_FILE} are the most")
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise _refused(f"{name} has more than {_MOST_PIXELS} pixels; cut it into parts")
            deep = opened.mode.startswith(("I", "F"))
            picture = ImageOps.exif_transpose(opened)
    except MlflowException:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        reason = "no image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise _refused(f"{name} is not a PNG or JPEG file ({reason}); {shape.wanted()}") from None
    if deep:
        raise _refused(f"{name} has more than 8 bits a pixel; save it with 8")
    if shape.channels not in (1, 3):
        raise _refused(f"no file holds images of {shape.channels} channels; send whole numbers")
    if picture.has_transparency_data:
        layers = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    picture = picture.convert("RGB") if picture.mode not in ("L", "RGB") else picture
    picture = picture.convert("L" if shape.channels == 1 else "RGB")
    if isinstance(shape.width, int) and isinstance(shape.height, int):  # of an earlier version
        for size in ((shape.width, picture.height), (shape.width, shape.height)):
            picture = picture.resize(size, Image.Resampling.BILINEAR)
    values = np.asarray(picture)
    return values[None] if shape.channels == 1 else values.transpose(2, 0, 1)


def _pixels(given: Any, shape: _Shape) -> np.ndarray:
    """The images of a request as uint8 (N, C, H, W), or a refusal that says what is wanted."""
    channels, height, width = shape
    wanted = shape.wanted()
    try:
        values = np.asarray(given)
    except ValueError:
        raise _refused(f"the images differ in shape; {wanted}") from None
    if values.size == 0:
        raise _refused(f"no image was sent; {wanted}")
    if values.dtype.kind not in "uif":
        raise _refused(f"the images are not of numbers ({values.dtype}); {wanted}")
    if not shape.takes(values.shape[1:]):
        raise _refused(f"the shape is {values.shape}, expected (N, {channels}, {height}, {width})")
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # also what is not a number
        raise _refused(f"values from {low:g} to {high:g}; {wanted}")
    if values.dtype.kind == "f":
        # A white pixel as 1.0 is whole too, so a float image up to 1 could be either.
        if 0 < high <= 1:
            raise _refused(f"fractions from 0 to 1; {wanted}, so multiply by 255 and round")
        if not np.array_equal(values, np.rint(values)):
            raise _refused(f"values that are not whole; {wanted}")
    return values.astype(np.uint8)


def _refused(message: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(message)


set_model(Detectors())
