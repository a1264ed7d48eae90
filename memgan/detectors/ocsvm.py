"""One-class support vector machine with a Gaussian kernel; the score is −decision function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from memgan.config import DetectorParameters, OcsvmParameters
from memgan.data import Pixels
from memgan.detectors.parts.plain import (
    PlainDetector,
    Rows,
    Scorer,
    squared_distances,
    unit_rows,
    unit_tensor,
)
from memgan.detectors.parts.weights import Spec


class Ocsvm(PlainDetector):
    """On pixels; on colour images on the principal components that hold most of the variance."""

    name = "ocsvm"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, OcsvmParameters)
        self.parameters = parameters
        self.reduces = self.image_shape[0] > 1

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        from sklearn.svm import OneClassSVM

        rows = unit_rows(images)
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

    def _reduction(self, rows: Rows) -> dict[str, Rows]:
        from sklearn.decomposition import PCA

        fitted = PCA(self.parameters.variance_kept, svd_solver="full").fit(rows)
        return {"mean": fitted.mean_, "components": fitted.components_}

    def specs(self) -> Mapping[str, Spec]:
        size = int(np.prod(self.image_shape))
        specs = {
            "support": Spec((None, None if self.reduces else size)),
            "coefficients": Spec((None,)),
            "offset": Spec((1,)),
            "gamma": Spec((1,)),
        }
        if self.reduces:
            specs |= {"mean": Spec((size,)), "components": Spec((None, size))}
        return specs

    def check(self, weights: Mapping[str, Tensor]) -> None:
        super().check(weights)
        count, size = weights["support"].shape
        self._agree("coefficients", len(weights["coefficients"]), count)
        if self.reduces:
            self._agree("components", len(weights["components"]), size)

    def scorer(self) -> Scorer:
        return _OcsvmScorer(self.learned)


class _OcsvmScorer(Scorer):
    support: Tensor
    coefficients: Tensor
    offset: Tensor
    gamma: Tensor
    mean: Tensor
    components: Tensor

    def forward(self, images: Tensor) -> tuple[Tensor]:
        rows = unit_tensor(images)
        if hasattr(self, "mean"):
            rows = (rows - self.mean) @ self.components.T
        kernel = torch.exp(-self.gamma * squared_distances(rows, self.support))
        return (-(kernel @ self.coefficients + self.offset),)
