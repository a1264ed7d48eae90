"""The shallow anchors hold arrays and score with them as scikit-learn does with its objects."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KernelDensity
from sklearn.svm import OneClassSVM

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import Detector, build_detector
from memgan.detectors.kde import BANDWIDTHS
from memgan.errors import BundleError

SEED = 7


def fitted(name: str, images: Pixels) -> Detector:
    detector = build_detector(
        name,
        make_parameters(name, {}, "test"),
        image_shape=images.shape[1:],
        seed=SEED,
        device=torch.device("cpu"),
    )
    detector.fit_epoch(images)
    return detector


def rows(images: Pixels) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return images.reshape(len(images), -1) / 255.0


def test_the_one_class_svm_is_scikit_learns(normals: Pixels, anomalies: Pixels) -> None:
    theirs = OneClassSVM(gamma="scale", nu=0.1).fit(rows(normals))

    ours = fitted("ocsvm", normals).score(anomalies)

    np.testing.assert_allclose(ours, -theirs.decision_function(rows(anomalies)), rtol=1e-9)


def test_colour_is_reduced_to_the_components_that_hold_95_percent(
    normals: Pixels, anomalies: Pixels
) -> None:
    colour, strange = normals.repeat(3, axis=1), anomalies.repeat(3, axis=1)
    reduced = PCA(0.95, svd_solver="full").fit(rows(colour))
    theirs = OneClassSVM(gamma="scale", nu=0.1).fit(reduced.transform(rows(colour)))

    ours = fitted("ocsvm", colour)

    assert ours.weights()["components"].shape[0] == reduced.n_components_ < 192
    expected = -theirs.decision_function(reduced.transform(rows(strange)))
    np.testing.assert_allclose(ours.score(strange), expected, rtol=1e-9)


def test_the_density_and_its_bandwidth_are_scikit_learns(
    normals: Pixels, anomalies: Pixels
) -> None:
    search = GridSearchCV(KernelDensity(), {"bandwidth": BANDWIDTHS}, cv=KFold(5))
    theirs = search.fit(rows(normals)).best_estimator_

    ours = fitted("kde", normals)

    assert ours.weights()["bandwidth"].item() == theirs.bandwidth
    expected = -theirs.score_samples(rows(anomalies))
    np.testing.assert_allclose(ours.score(anomalies), expected, rtol=1e-9)


@pytest.mark.parametrize("copies", [1, 8])  # More images than a tree is grown from, or fewer.
def test_the_forest_scores_as_scikit_learns(
    normals: Pixels, anomalies: Pixels, copies: int
) -> None:
    many = np.concatenate([normals] * copies)
    theirs = IsolationForest(max_samples=min(256, len(many)), random_state=SEED)
    theirs.fit(many.reshape(len(many), -1))

    ours = fitted("iforest", many)

    images = np.concatenate([normals, anomalies])
    expected = -theirs.score_samples(images.reshape(len(images), -1))
    np.testing.assert_allclose(ours.score(images), expected, rtol=1e-9)
    assert len(np.unique(expected)) > 20


def test_a_forest_that_points_outside_itself_is_refused(normals: Pixels) -> None:
    forest = fitted("iforest", normals)
    weights = forest.weights()
    weights["left"][3, 0] = weights["left"].shape[1]

    with pytest.raises(BundleError, match="left"):
        forest.load_weights(weights)
