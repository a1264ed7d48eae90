"""One-class support vector machine with a Gaussian kernel; the score is −decision function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from memgan.config import DetectorParameters, OcsvmParameters
from memgan.data import Pixels, Scores
from memgan.detectors.on_features.sight import ready, seal_spec, sight, vectors
from memgan.detectors.parts.batches import in_batches
from memgan.detectors.parts.plain import (
    PlainDetector,
    Rows,
    Scorer,
    squared_distances,
    unit_rows,
    unit_tensor,
)
from memgan.detectors.parts.weights import Spec
from memgan.detectors.vectors.seal import sealed, unsealed
from memgan.features import Extractor


class Ocsvm(PlainDetector):
    """On pixels, of colour images on the principal components that hold most of the variance; or on
    the vectors of a frozen network."""

    name = "ocsvm"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, OcsvmParameters)
        self.parameters = parameters
        self.extractor = sight(parameters.features, self.image_shape, self.device)
        self.reduces = self.image_shape[0] > 1 and self.extractor is None

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        from sklearn.svm import OneClassSVM

        rows = self._rows(images)
        reduction = self._reduction(rows) if self.reduces else {}
        if reduction:
            rows = (rows - reduction["mean"]) @ reduction["components"].T
        # What scikit-learn calls gamma="scale"; it keeps the number to itself.
        gamma = 1.0 / (rows.shape[1] * (rows.var() or 1.0))
        fitted = OneClassSVM(kernel="rbf", gamma=gamma, nu=self.parameters.nu).fit(rows)
        arrays = {
            "support": fitted.support_vectors_,
            "coefficients": fitted.dual_coef_[0],
            "offset": fitted.intercept_,
            "gamma": np.array([gamma]),
            **reduction,
        }
        self.learned = {name: torch.tensor(np.array(a)) for name, a in arrays.items()}
        return {}

    def _rows(self, images: Pixels) -> Rows:
        return unit_rows(images) if self.extractor is None else vectors(self.extractor, images)

    def _reduction(self, rows: Rows) -> dict[str, Rows]:
        from sklearn.decomposition import PCA

        fitted = PCA(self.parameters.variance_kept, svd_solver="full").fit(rows)
        return {"mean": fitted.mean_, "components": fitted.components_}

    def specs(self) -> Mapping[str, Spec]:
        size = self.extractor.count if self.extractor else int(np.prod(self.image_shape))
        specs = {
            "support": Spec((None, None if self.reduces else size)),
            "coefficients": Spec((None,)),
            "offset": Spec((1,)),
            "gamma": Spec((1,)),
        }
        if self.reduces:
            specs |= {"mean": Spec((size,)), "components": Spec((None, size))}
        return {**specs, **seal_spec(self.extractor)}

    def weights(self) -> dict[str, Tensor]:
        return sealed(self.extractor, super().weights())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        self.check(weights)
        self.learned = unsealed(self.extractor, weights)

    def state_dict(self) -> dict[str, Any]:
        return super().weights()

    def score(self, images: Pixels) -> Scores:
        if self.extractor is None:
            return super().score(images)
        of_rows = _OcsvmScorer(self.learned).of_rows
        return in_batches(of_rows, vectors(self.extractor, images), torch.device("cpu"))

    def check(self, weights: Mapping[str, Tensor]) -> None:
        super().check(weights)
        count, size = weights["support"].shape
        self._agree("coefficients", len(weights["coefficients"]), count)
        if self.reduces:
            self._agree("components", len(weights["components"]), size)

    def scorer(self) -> Scorer:
        return _OcsvmScorer(self.learned, self.extractor)


class _OcsvmScorer(Scorer):
    support: Tensor
    coefficients: Tensor
    offset: Tensor
    gamma: Tensor
    mean: Tensor
    components: Tensor

    def __init__(self, tensors: Mapping[str, Tensor], extractor: Extractor | None = None) -> None:
        super().__init__(tensors)
        self.extractor = None if extractor is None else ready(extractor)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        if self.extractor is None:
            return (self.of_rows(unit_tensor(images)),)
        return (self.of_rows(self.extractor(images).to("cpu", torch.float64)),)

    def of_rows(self, rows: Tensor) -> Tensor:
        """Scores (N,) of rows (N, p), both float64."""
        if hasattr(self, "mean"):
            rows = (rows - self.mean) @ self.components.T
        kernel = torch.exp(-self.gamma * squared_distances(rows, self.support))
        return -(kernel @ self.coefficients + self.offset)
