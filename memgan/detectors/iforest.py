"""Isolation forest: images that few random cuts set apart are anomalous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from memgan.config import DetectorParameters, IforestParameters
from memgan.data import Pixels
from memgan.detectors.parts.plain import PlainDetector, Scorer
from memgan.detectors.parts.weights import Spec
from memgan.errors import BundleError

_ARRAYS = ("feature", "threshold", "left", "right", "length")


class Iforest(PlainDetector):
    """On grey levels. The trees are kept as arrays of nodes, (trees, nodes), a leaf being its own
    child: `length` is its depth and what more depth its images would take to be set apart."""

    name = "iforest"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, IforestParameters)
        self.parameters = parameters

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        from sklearn.ensemble import IsolationForest

        samples = min(self.parameters.samples, len(images))
        fitted = IsolationForest(
            n_estimators=self.parameters.trees,
            max_samples=samples,
            random_state=self.seed % 2**32,
        ).fit(images.reshape(len(images), -1).astype(np.float32))
        trees = [_nodes(estimator.tree_) for estimator in fitted.estimators_]
        nodes = max(len(tree["feature"]) for tree in trees)
        for name in _ARRAYS:
            padded = [np.pad(tree[name], (0, nodes - len(tree[name]))) for tree in trees]
            self.learned[name] = torch.from_numpy(np.stack(padded))
        self.learned["usual_length"] = torch.from_numpy(_average_path_length(np.array([samples])))
        return {}

    def specs(self) -> Mapping[str, Spec]:
        shape = (self.parameters.trees, None)
        return {
            "feature": Spec(shape, torch.int64),
            "threshold": Spec(shape),
            "left": Spec(shape, torch.int64),
            "right": Spec(shape, torch.int64),
            "length": Spec(shape),
            "usual_length": Spec((1,)),
        }

    def check(self, weights: Mapping[str, Tensor]) -> None:
        super().check(weights)
        nodes = weights["feature"].shape[1]
        for name in _ARRAYS:
            self._agree(name, weights[name].shape[1], nodes)
        pixels = int(np.prod(self.image_shape))
        for name, end in (("feature", pixels), ("left", nodes), ("right", nodes)):
            if not ((weights[name] >= 0) & (weights[name] < end)).all():
                raise BundleError(f"weights {name!r} point outside; export the bundle again")

    def scorer(self) -> Scorer:
        return _ForestScorer(self.learned)


class _ForestScorer(Scorer):
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    length: Tensor
    usual_length: Tensor

    def __init__(self, learned: Mapping[str, Tensor]) -> None:
        super().__init__(learned)
        # A leaf's length is its depth at least, and no path has more steps than a tree has nodes.
        longest = learned["length"].max().clamp(0, learned["length"].shape[1])
        self.depth = int(longest.ceil())

    def forward(self, images: Tensor) -> tuple[Tensor]:
        rows = images.flatten(1).to(torch.float64)
        trees, nodes = self.feature.shape
        roots = torch.arange(trees) * nodes
        # Not by a number of rows, which an exported graph would take for a constant.
        place = roots + torch.zeros_like(rows[:, :1], dtype=torch.int64)
        for _ in range(self.depth):
            feature, threshold = self.feature.flatten()[place], self.threshold.flatten()[place]
            leftwards = rows.gather(1, feature) <= threshold
            child = torch.where(leftwards, self.left.flatten()[place], self.right.flatten()[place])
            place = roots + child
        lengths = self.length.flatten()[place].mean(dim=1)
        return (2.0 ** (-lengths / self.usual_length),)


def _nodes(tree: Any) -> dict[str, np.ndarray[Any, Any]]:
    """One tree of scikit-learn's as arrays by node."""
    itself = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    left = np.where(leaf, itself, tree.children_left)
    right = np.where(leaf, itself, tree.children_right)
    depth = np.zeros(tree.node_count)
    for node in np.flatnonzero(~leaf):  # Parents come before their children.
        depth[[left[node], right[node]]] = depth[node] + 1
    return {
        "feature": np.where(leaf, 0, tree.feature),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "left": left,
        "right": right,
        "length": depth + _average_path_length(tree.n_node_samples),
    }


def _average_path_length(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Cuts it takes on average to set one of so many images apart: 2 (H(n − 1) − (n − 1) / n)."""
    many = np.maximum(samples, 3)
    harmonic = np.log(many - 1.0) + np.euler_gamma
    longer = 2.0 * harmonic - 2.0 * (many - 1.0) / many
    return np.where(samples <= 1, 0.0, np.where(samples == 2, 1.0, longer))
