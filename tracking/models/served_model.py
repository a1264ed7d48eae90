"""The script in a logged model: MLflow runs this very file wherever the model is served.

It needs mlflow, numpy, onnxruntime and pandas, and nothing of this package, which a server may not
have. Never import it: it declares itself to be the model that is just being made or loaded.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when onnxruntime is imported

import numpy as np
import onnxruntime
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

_AT_ONCE = 256


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
        """score, p_value and anomalous of images (N, C, H, W), whole numbers from 0 to 255.

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
        images = _pixels(model_input, tuple(session.get_inputs()[0].shape[1:]))
        scores = np.empty(len(images))
        for start in range(0, len(images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            (scores[part],) = session.run(["scores"], {"images": images[part]})
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


def _pixels(given: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The images of a request as uint8 (N, C, H, W), or a refusal that says what is wanted."""
    channels, height, width = shape
    wanted = (
        f"send images of {channels} channel{'s' * (channels > 1)}, {height} rows and {width}"
        " columns as whole numbers from 0 to 255"
    )
    try:
        values = np.asarray(given)
    except ValueError:
        raise _refused(f"the images differ in shape; {wanted}") from None
    if values.size == 0:
        raise _refused(f"no image was sent; {wanted}")
    if values.dtype.kind not in "uif":
        raise _refused(f"the images are not of numbers ({values.dtype}); {wanted}")
    if values.shape[1:] != shape:
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
