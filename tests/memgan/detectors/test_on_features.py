"""Detectors that see images through a frozen network hold what all detectors promise."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from imagenet_weights import needs_imagenet_weights
from tiny_splits import normals_and_negatives

from memgan.bundle import Bundle, load_bundle, write_bundle
from memgan.config import Configuration, DataConfig, Features, make_parameters
from memgan.data import Pixels, Split, load_split
from memgan.detectors import Memgan
from memgan.detectors.parts.plain import squared_distances
from memgan.errors import BadInput, BundleError, ConfigError
from memgan.features import FeatureCache
from memgan.figures.heatmaps import HeatMaps
from memgan.health import measure
from memgan.testing.detector_suite import DetectorSuite, Maker
from memgan.training import Training, train_cell

EDGES = 27
"""Values of a vector of filters."""
FILTERS = {"features.backbone": "filters", "features.size": 32}
SMALL: dict[str, dict[str, Any]] = {
    "neighbours": {"neighbours": 2, **FILTERS},
    "pca": {"components": 4, **FILTERS},
    "pca, Gaussian": {"components": 4, "shrinkage": 0.5, **FILTERS},
    "ocsvm": {**FILTERS},
    "memgan": {
        "learning_rate": 3e-3,
        "batch_size": 16,
        "width": 4,
        "memory_units": 12,
        "memory_dim": 8,
        **FILTERS,
    },
    "memae": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "memory_units": 12, **FILTERS},
    "autoencoder": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8, **FILTERS},
    "alice": {"learning_rate": 3e-3, "batch_size": 16, "width": 4, "code_dim": 8, **FILTERS},
}


def test_a_support_vector_machine_compares_a_few_vectors_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 1, 8, 8), dtype=np.uint8)
    detector = Maker("ocsvm", FILTERS).fitted(images[:40])
    sizes: list[int] = []

    def compared(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        sizes.append(len(rows))
        return squared_distances(rows, others)

    monkeypatch.setattr("memgan.detectors.ocsvm.squared_distances", compared)
    assert detector.score(images).shape == (600,)
    assert sizes == [200] * 3


class TestOnFilters(DetectorSuite):
    @pytest.fixture(params=sorted(SMALL))
    def maker(self, request: pytest.FixtureRequest) -> Maker:
        return Maker(request.param.partition(",")[0], SMALL[request.param])

    def test_a_score_of_few_pixels_is_the_same_alone_traced_packed_and_loaded(self) -> None:
        """Vectors have no pixels, and such a score is refused."""
        with pytest.raises(ConfigError, match="score is of what is rebuilt"):
            make_parameters("pca", {**FILTERS, "score": "top-share"}, "test")


def test_with_shrinkage_pca_is_the_mahalanobis_distance_of_a_gaussian(normals: Pixels) -> None:
    train, seen = normals[:40], normals[40:]
    detector = Maker("pca", {"components": 27, "shrinkage": 0.5, **FILTERS}).fitted(train)
    assert detector.extractor is not None
    known, rows = (detector.extractor.of(images).astype(float) for images in (train, seen))
    covariance = np.cov(known.T)
    added = 0.5 * np.trace(covariance) / EDGES
    apart = rows - known.mean(axis=0)
    inverse = np.linalg.inv(covariance + added * np.eye(EDGES))
    expected = added * np.einsum("ni,ij,nj->n", apart, inverse, apart)
    np.testing.assert_allclose(detector.score(seen), expected, rtol=1e-6)


def test_shrinkage_is_of_components_of_features() -> None:
    for wrong in ({"shrinkage": 1}, {"shrinkage": 1, "components": 0, **FILTERS}):
        with pytest.raises(ConfigError, match="shrinkage is of components of features"):
            make_parameters("pca", wrong, "test")


@pytest.mark.parametrize("name", ["memgan", "memae", "alice"])
def test_the_health_of_those_that_train_is_measured_on_vectors(name: str, normals: Pixels) -> None:
    detector = Maker(name, SMALL[name]).fitted(normals, epochs=2)
    look = detector.look(normals)
    assert look is not None
    assert look.images.shape == look.rebuilt.shape == (len(normals), EDGES)
    health = measure(look)
    assert ("address_perplexity" in health) == (name != "alice")
    assert ("d_accuracy" in health) == (name != "memae")
    assert health["residual"] < 2


@pytest.mark.parametrize("name", ["memgan", "memae", "autoencoder"])
def test_vectors_are_no_images_so_nothing_is_rebuilt_or_drawn(name: str, normals: Pixels) -> None:
    detector = Maker(name, SMALL[name]).fitted(normals, epochs=1)
    assert detector.rebuild(normals) is None
    assert detector.maps(normals) is None
    if isinstance(detector, Memgan):
        assert detector.decoded_memory() is None
        assert detector.codes(normals).shape == (len(normals), 8)


def test_a_memory_starts_from_codes_of_vectors(normals: Pixels) -> None:
    maker = Maker("memgan", {**SMALL["memgan"], "memory_start": "codes"})
    detector = maker.fitted(normals, epochs=1)
    assert np.isfinite(detector.score(normals)).all()


def test_heat_maps_of_vectors_are_refused_in_one_line(tmp_path: Path) -> None:
    parameters = make_parameters("memgan", FILTERS, "test")
    config = SimpleNamespace(detector="memgan", parameters=parameters, image_shape=(1, 8, 8))
    bundle = SimpleNamespace(config=config, maps=lambda images: None)
    with pytest.raises(BadInput, match="memgan on features rebuilds no image") as fault:
        HeatMaps(tmp_path / "maps", cast("Bundle", bundle))
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "maps").exists()


def test_memgan_plus_sees_pixels_only() -> None:
    with pytest.raises(ConfigError, match="features"):
        make_parameters("memgan-plus", FILTERS, "test")


def test_features_are_the_same_in_a_training_of_any_precision(normals: Pixels) -> None:
    extractor = Maker("neighbours", SMALL["neighbours"]).make().extractor
    assert extractor is not None
    expected = extractor.of(normals)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(extractor.of(normals), expected)


@pytest.mark.parametrize("detector", sorted({name.partition(",")[0] for name in SMALL}))
def test_features_are_a_typed_part_of_the_parameters(detector: str) -> None:
    nested = make_parameters(detector, {"features": {"backbone": "filters", "size": 96}}, "test")
    flat = make_parameters(detector, {"features.backbone": "filters", "features.size": 96}, "test")
    assert nested == flat
    with pytest.raises(ConfigError, match="did you mean 'size'"):
        make_parameters(detector, {"features": {"sise": 96}}, "test")
    with pytest.raises(ConfigError, match=r"features\.size"):
        make_parameters(detector, {"features": {"size": 100}}, "test")
    with pytest.raises(ConfigError, match="pooling"):
        make_parameters(detector, {"features": {"pooling": "none"}}, "test")


def test_layers_are_a_list_or_words_with_commas() -> None:
    assert Features(layers=["stride8", "layer3"]) == Features(layers="stride8, layer3")
    with pytest.raises(ValueError, match="write layers as"):
        Features(layers="stride8;layer3")


def test_one_image_is_not_brought_to_its_own_contrast_as_well() -> None:
    with pytest.raises(ConfigError, match="exclude each other"):
        make_parameters("pca", {**FILTERS, "contrast_normalised": True}, "test")


def test_weights_of_another_backbone_are_refused(normals: Pixels) -> None:
    fitted = Maker("neighbours", SMALL["neighbours"]).fitted(normals)
    weights = fitted.weights()
    weights["backbone"] = torch.zeros_like(weights["backbone"])
    other = Maker("neighbours", SMALL["neighbours"]).make()
    with pytest.raises(BundleError, match="checksum"):
        other.load_weights(weights)


@pytest.fixture(scope="module")
def digits() -> Split:
    return load_split(DataConfig(source="digits", image_size=16))


def test_trials_of_a_study_compute_the_features_of_its_images_once(
    digits: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FeatureCache(tmp_path)
    monkeypatch.setattr("memgan.training.lockstep.default_cache", lambda: cache)
    figures = []
    for neighbours in (1, 3):
        values = {**FILTERS, "neighbours": neighbours}
        configuration = Configuration(detector="neighbours", parameters=values)
        training = Training(configuration, digits.development, classes=["0", "1"], seed=0)
        figures.append(training.advance().val_auroc)
        assert len(list(tmp_path.glob("*.npy"))) == 3  # Of two classes, and of validation.
    assert all(min(found.values()) > 0.8 for found in figures)
    assert training.scoring_seconds() > 0


@needs_imagenet_weights
def test_a_bundle_holds_its_backbone_and_scores_the_same_by_torch_and_by_onnx(
    normals: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = normals_and_negatives(normals)
    configuration = Configuration(
        detector="neighbours", parameters={"features.size": 32}, runtime={"device": "cpu"}
    )
    cell = train_cell(configuration, split.development, split.test, "good", 0)
    write_bundle(tmp_path / "bundle", configuration, split, [cell])
    monkeypatch.setenv("MEMGAN_BACKBONES", str(tmp_path / "none"))
    monkeypatch.setattr("memgan.features.weights_place.find_spec", lambda name: None)
    for backend in ("torch", "onnx"):
        bundle = load_bundle(tmp_path / "bundle", backend=backend, device="cpu")
        found = bundle.score(split.test.images)
        np.testing.assert_allclose(found, cell.test_scores, rtol=1e-3)
    assert cell.test_auroc is not None
    assert cell.test_auroc > 0.9


def test_a_bundle_does_not_tell_where_weights_lay() -> None:
    parameters = make_parameters("pca", {"features.weights": "somewhere/mine.pth"}, "test")
    assert "somewhere" not in parameters.portable().model_dump_json()
