"""The two anchors every table shows: PCA reconstruction and nearest neighbours.

On the features of a frozen network they see its vectors in place of pixels. Pixels stay whole
numbers from 0 to 255 in float64: squared distances are then exact, and a score cannot depend on
what is scored beside it. scikit-learn takes seconds to import and is asked for by those who fit:
whoever scores with another detector does without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, NeighboursParameters, PcaParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Detector, Rebuilt
from memgan.detectors.on_features.distances import nearest_distances
from memgan.detectors.on_features.sight import ready, seal_spec, sight, vectors
from memgan.detectors.parts.batches import output_of
from memgan.detectors.parts.contrast import Seen, see
from memgan.detectors.parts.residual_score import ResidualScore
from memgan.detectors.parts.weights import Spec, check_weights
from memgan.detectors.vectors.seal import sealed, unsealed
from memgan.features import Extractor

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

_Rows = npt.NDArray[np.float64]


class Pca(Detector):
    """Squared error of the reconstruction from the leading principal components.

    In grey levels, or in an image's own spread with `contrast_normalised`. With no component
    at all it is the squared distance to the mean image. On features, `shrinkage` above 0 makes it
    the distance of a Gaussian: each component is rebuilt only by λᵢ / (λᵢ + e), with λᵢ its
    variance and e `shrinkage` times their mean. This is e times the squared Mahalanobis distance
    under the covariance of the components with e added to every direction.
    """

    name = "pca"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, PcaParameters)
        self.extractor = sight(parameters.features, self.image_shape, self.device)
        self.wanted = parameters.components
        self.normalised, self.shrinkage = parameters.contrast_normalised, parameters.shrinkage
        self.residual_score = ResidualScore(parameters, squared=True)
        self.mean: _Rows = np.empty(0)
        self.components: _Rows = np.empty((0, 0))
        self.rebuilt_share: _Rows = np.empty(0)
        """How much of each component is rebuilt, 0 to 1; with `shrinkage`."""

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        rows, _ = self._seen(images)
        kept = min(self.wanted, *rows.shape)
        if not kept:
            self.mean, self.components = rows.mean(axis=0), np.empty((0, rows.shape[1]))
            self.rebuilt_share = np.empty(0)
            return {}
        from sklearn.decomposition import PCA

        # The same components either way; which is quicker, the shape decides.
        tall = len(rows) > rows.shape[1]
        fitted = PCA(kept, svd_solver="covariance_eigh" if tall else "full").fit(rows)
        # As what is loaded again lies in memory, so that products come out the same to the bit.
        self.mean, self.components = fitted.mean_, np.ascontiguousarray(fitted.components_)
        if self.shrinkage:
            variances = fitted.explained_variance_
            added = max(self.shrinkage * variances.mean(), np.finfo(np.float64).tiny)
            self.rebuilt_share = variances / (variances + added)
        return {}

    def score(self, images: Pixels) -> Scores:
        if self.residual_score.local:
            return output_of(self.scorer(), images, torch.device("cpu"))
        rows, _ = self._seen(images)
        centred = rows - self.mean
        if self.shrinkage:
            rebuilt = (centred @ self.components.T) ** 2 @ self.rebuilt_share
            distances: Scores = (centred**2).sum(axis=1) - rebuilt
            return distances
        scores: Scores = ((centred - self._projected(centred)) ** 2).sum(axis=1)
        return scores

    def rebuild(self, images: Pixels) -> Rebuilt | None:
        if self.extractor is not None:
            return None
        rows, seen = self._seen(images)
        rebuilt = self._projected(rows - self.mean) + self.mean
        if seen is not None:
            rebuilt = seen.to_grey(torch.from_numpy(rebuilt.reshape(images.shape))).numpy()
        return rebuilt.reshape(images.shape).astype(np.float32)

    def scorer(self) -> nn.Module:
        if self.extractor is not None:
            return _PcaOnFeatures(self.extractor, self.weights())
        return _PcaScorer(self.weights(), self.image_shape, self.residual_score, self.normalised)

    def _seen(self, images: Pixels) -> tuple[_Rows, Seen | None]:
        if self.extractor is not None:
            return vectors(self.extractor, images), None
        if not self.normalised:
            return _rows(images), None
        seen = _contrast_normalised(torch.from_numpy(images))
        return seen.x.flatten(1).numpy(), seen

    def _projected(self, centred: _Rows) -> _Rows:
        projected: _Rows = centred @ self.components.T @ self.components
        return projected

    def weights(self) -> dict[str, Tensor]:
        learned = {
            "mean": torch.from_numpy(self.mean.copy()),
            "components": torch.from_numpy(np.ascontiguousarray(self.components)),
        }
        if self.shrinkage:
            learned["rebuilt_share"] = torch.from_numpy(self.rebuilt_share.copy())
        return sealed(self.extractor, learned)

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        size = self.extractor.count if self.extractor else int(np.prod(self.image_shape))
        specs = {"mean": Spec((size,)), "components": Spec((None if self.wanted else 0, size))}
        if self.shrinkage:
            count = len(weights["components"]) if "components" in weights else 0
            specs["rebuilt_share"] = Spec((count,))
        check_weights(weights, {**specs, **seal_spec(self.extractor)})
        self.load_state_dict(unsealed(self.extractor, weights))

    def state_dict(self) -> dict[str, Any]:
        return self.weights()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.mean, self.components = state["mean"].numpy(), state["components"].numpy()
        if self.shrinkage:
            self.rebuilt_share = state["rebuilt_share"].numpy()


class Neighbours(Detector):
    """Mean Euclidean distance to the k nearest training images, in grey levels or of vectors."""

    name = "neighbours"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, NeighboursParameters)
        self.extractor = sight(parameters.features, self.image_shape, self.device)
        self.wanted = parameters.neighbours
        self.train: npt.NDArray[Any] = np.empty((0, *self._shape), dtype=np.uint8)
        """What it was trained on: uint8 (N, C, H, W), or vectors in float32 (N, p)."""

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.image_shape if self.extractor is None else (self.extractor.count,)

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        if self.extractor is not None:
            self.train = np.array(self.extractor.of(images))
        else:
            self.train = images
            self._index = self._build_index()
        return {}

    def _build_index(self) -> NearestNeighbors:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=self._kept, algorithm="brute").fit(_rows(self.train))

    def score(self, images: Pixels) -> Scores:
        if self.extractor is not None:
            seen = torch.from_numpy(vectors(self.extractor, images))
            return nearest_distances(seen, torch.from_numpy(self.train), self._kept).numpy()
        distances, _ = self._index.kneighbors(_rows(images))
        scores: Scores = distances.mean(axis=1)
        return scores

    @property
    def _kept(self) -> int:
        return min(self.wanted, len(self.train))

    def scorer(self) -> nn.Module:
        train = torch.tensor(self.train)
        if self.extractor is not None:
            return _NeighboursOnFeatures(self.extractor, train, self._kept)
        return _NeighboursScorer(train, self._kept)

    def weights(self) -> dict[str, Tensor]:
        return sealed(self.extractor, {"train": torch.from_numpy(self.train.copy())})

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        kind = torch.uint8 if self.extractor is None else torch.float32
        specs = {"train": Spec((None, *self._shape), kind)}
        check_weights(weights, {**specs, **seal_spec(self.extractor)})
        self.load_state_dict(unsealed(self.extractor, weights))

    def state_dict(self) -> dict[str, Any]:
        return self.weights()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.train = state["train"].numpy()
        if len(self.train) and self.extractor is None:
            self._index = self._build_index()


class _PcaScorer(nn.Module):
    mean: Tensor
    components: Tensor

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        shape: tuple[int, int, int],
        score: ResidualScore,
        normalised: bool,
    ) -> None:
        super().__init__()
        self.shape, self.score, self.normalised = shape, score, normalised
        self.register_buffer("mean", weights["mean"])
        self.register_buffer("components", weights["components"])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = _contrast_normalised(images) if self.normalised else None
        rows = (images if seen is None else seen.x).flatten(1).to(torch.float64)
        centred = rows - self.mean
        projected = centred @ self.components.T @ self.components
        scores = self.score(*(v.reshape(-1, *self.shape) for v in (centred, projected)))
        rebuilt = (projected + self.mean).reshape(-1, *self.shape)
        if seen is not None:
            rebuilt = seen.to_grey(rebuilt)
        return scores.to(torch.float64), rebuilt.to(torch.float32)


class _PcaOnFeatures(nn.Module):
    mean: Tensor
    components: Tensor
    rebuilt_share: Tensor | None

    def __init__(self, extractor: Extractor, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.extractor = ready(extractor)
        self.register_buffer("mean", weights["mean"])
        self.register_buffer("components", weights["components"])
        self.register_buffer("rebuilt_share", weights.get("rebuilt_share"))

    def forward(self, images: Tensor) -> tuple[Tensor]:
        centred = self.extractor(images).to("cpu", torch.float64) - self.mean
        if self.rebuilt_share is not None:
            rebuilt = (centred @ self.components.T) ** 2 @ self.rebuilt_share
            return ((centred**2).sum(dim=1) - rebuilt,)
        projected = centred @ self.components.T @ self.components
        return (((centred - projected) ** 2).sum(dim=1),)


class _NeighboursOnFeatures(nn.Module):
    train_vectors: Tensor

    def __init__(self, extractor: Extractor, train: Tensor, kept: int) -> None:
        super().__init__()
        self.extractor = ready(extractor)
        self.register_buffer("train_vectors", train)
        self.kept = kept

    def forward(self, images: Tensor) -> tuple[Tensor]:
        seen = self.extractor(images).to("cpu", torch.float64)
        return (nearest_distances(seen, self.train_vectors, self.kept),)


class _NeighboursScorer(nn.Module):
    train_images: Tensor

    def __init__(self, train: Tensor, kept: int) -> None:
        super().__init__()
        self.register_buffer("train_images", train)
        self.kept = kept

    def forward(self, images: Tensor) -> tuple[Tensor]:
        rows = images.flatten(1).to(torch.float64)
        train = self.train_images.flatten(1).to(torch.float64)
        # Whole numbers far below 2^53: exact, so that no distance comes out below 0.
        squared = (rows**2).sum(1, keepdim=True) + (train**2).sum(1) - 2 * rows @ train.T
        nearest = squared.topk(self.kept, dim=1, largest=False).values
        return (nearest.sqrt().mean(dim=1),)


def _contrast_normalised(images: Tensor) -> Seen:
    return see(images, contrast_normalised=True, dtype=torch.float64)


def _rows(images: npt.NDArray[Any]) -> _Rows:
    return images.reshape(len(images), -1).astype(np.float64)
