"""The script in a logged model: MLflow runs this very file wherever the model is served.

It needs mlflow, numpy and onnxruntime, and nothing of this package, which a server may not have.
Never import it: it declares itself to be the model that is just being made or loaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
        self.sessions, self.normal_scores = {}, {}
        for folder in sorted(Path(context.artifacts["bundles"]).iterdir()):
            self.sessions[folder.name] = onnxruntime.InferenceSession(
                folder / "model.onnx", options, providers=["CPUExecutionProvider"]
            )
            calibration = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
            self.normal_scores[folder.name] = np.asarray(calibration["normal_scores"])

    def predict(
        self,
        context: Any,
        model_input: np.ndarray,  # of all hints the one that MLflow takes as it is
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """score, p_value and anomalous of images uint8 (N, C, H, W), a row each.

        params: `normal_class`, and `false_alarm_rate` in (0, 1); both have defaults.
        """
        params = params or {}
        name, rate = params["normal_class"], params["false_alarm_rate"]
        if name not in self.sessions:
            raise MlflowException.invalid_parameter_value(
                f"normal_class {name!r}: this model knows {', '.join(self.sessions)}"
            )
        if not 0 < rate < 1:
            raise MlflowException.invalid_parameter_value(
                f"false_alarm_rate {rate}: must lie between 0 and 1"
            )
        images = np.asarray(model_input, dtype=np.uint8)
        scores = np.empty(len(images))
        for start in range(0, len(images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            (scores[part],) = self.sessions[name].run(["scores"], {"images": images[part]})
        normals = self.normal_scores[name]  # ascending
        at_least = len(normals) - np.searchsorted(normals, scores, side="left")
        threshold = np.quantile(normals, 1 - rate, method="higher")
        return pd.DataFrame(
            {
                "score": scores,
                "p_value": (1 + at_least) / (1 + len(normals)),
                "anomalous": scores > threshold,
            }
        )


set_model(Detectors())
