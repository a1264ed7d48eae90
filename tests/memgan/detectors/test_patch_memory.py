"""PatchCore: a memory that covers what it saw, and the place that is farthest from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from imagenet_weights import needs_imagenet_weights
from tiny_splits import normals_and_negatives

from memgan.bundle import Bundle, Scored, ScoredBatch, load_bundle, write_bundle
from memgan.config import Configuration, make_parameters
from memgan.data import Pixels, Split
from memgan.detectors import build_detector
from memgan.detectors.on_features import distances
from memgan.detectors.on_features.coreset import coreset
from memgan.detectors.on_features.distances import Nearest, nearest
from memgan.detectors.on_features.patch_memory import PatchMemory, _around
from memgan.errors import ConfigError
from memgan.figures import HeatMaps
from memgan.training import Cell, train_cell

FILTERS = {"features.backbone": "filters", "features.size": 64, "features.layers": "stride4"}
SIDE = 48


@pytest.fixture
def texture() -> Pixels:
    """Forty crops of one soft grain, uint8 (40, 1, 48, 48)."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:200, :200]
    grain = 128 + 50 * np.sin(rows / 3) * np.cos(columns / 4) + rng.normal(0, 4, (200, 200))
    corners = rng.integers(0, 200 - SIDE, (40, 2))
    crops = [grain[y : y + SIDE, x : x + SIDE] for y, x in corners]
    return np.stack(crops)[:, None].clip(0, 255).astype(np.uint8)


@pytest.fixture
def scratched(texture: Pixels) -> Pixels:
    """Ten of them with a bright scratch in rows 10 to 12, columns 30 to 40."""
    images = texture[:10].copy()
    images[:, :, 10:13, 30:41] = 255
    return images


def fitted(images: Pixels, **values: Any) -> PatchMemory:
    detector = build_detector(
        "patch-memory",
        make_parameters("patch-memory", {**FILTERS, **values}, "test"),
        image_shape=(1, SIDE, SIDE),
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, PatchMemory)
    detector.fit_epoch(images)
    return detector


def test_a_small_defect_is_found_and_shown_where_it_is(texture: Pixels, scratched: Pixels) -> None:
    detector = fitted(texture[10:])
    assert detector.score(scratched).min() > detector.score(texture[:10]).max()
    maps = detector.maps(scratched)
    assert maps.shape == (10, SIDE, SIDE)
    assert maps.dtype == np.float32
    for one in maps:
        row, column = np.unravel_index(one.argmax(), one.shape)
        assert 5 <= row <= 18
        assert 25 <= column <= 46


def test_a_score_can_be_of_several_places(texture: Pixels, scratched: Pixels) -> None:
    scores = [fitted(texture[10:], neighbours=1, largest=n).score(scratched) for n in (1, 4, 10**6)]
    assert (scores[0] > scores[1]).all()
    assert (scores[1] > scores[2]).all()


def test_whitened_distances_are_those_of_features_without_correlation(
    texture: Pixels, scratched: Pixels
) -> None:
    detector = fitted(texture[10:], neighbours=1, whitening=0.1, memory_share=1)
    maps, known = (detector.extractor.of(images) for images in (scratched, texture[10:]))
    rows, others = (m.transpose(0, 2, 3, 1).reshape(-1, m.shape[1]) for m in (maps, known))
    covariance = np.cov(others.T)
    length = len(covariance)
    inverse = np.linalg.inv(covariance + 0.1 * np.trace(covariance) / length * np.eye(length))
    first = rows[: len(rows) // 10]
    apart = first[:, None].astype(float) - others[None]
    squared = np.einsum("ijk,kl,ijl->ij", apart, inverse, apart, optimize=True)
    expected = np.sqrt(squared.min(axis=1).max())
    assert detector.score(scratched[:1])[0] == pytest.approx(expected, rel=1e-3)
    assert detector.score(scratched).min() > detector.score(texture[:10]).max()


def test_a_score_is_the_largest_distance_to_the_memory(texture: Pixels, scratched: Pixels) -> None:
    detector = fitted(texture[10:], neighbours=1)
    places = detector.extractor.of(scratched).transpose(0, 2, 3, 1)
    memory = detector.weights()["memory"].numpy()
    expected = [
        max(np.linalg.norm(memory - place, axis=1).min() for place in image.reshape(-1, 27))
        for image in places
    ]
    np.testing.assert_allclose(detector.score(scratched), expected, rtol=1e-4)


def test_the_weight_is_that_of_the_paper(texture: Pixels, scratched: Pixels) -> None:
    detector = fitted(texture[10:], neighbours=4)
    memory = detector.weights()["memory"].numpy().astype(float)
    place = detector.extractor.of(scratched[:1])[0].transpose(1, 2, 0).reshape(-1, 27).astype(float)
    distances = np.linalg.norm(place[:, None] - memory, axis=2)
    where = distances.min(axis=1).argmax()
    star = distances[where].argmin()
    around = np.linalg.norm(memory - memory[star], axis=1).argsort()[:4]
    apart = np.exp(distances[where, around] - distances[where, star])
    expected = distances[where, star] * (1 - 1 / apart.sum())
    np.testing.assert_allclose(detector.score(scratched[:1]), [expected], rtol=1e-3)


@pytest.mark.parametrize("values", [{"memory_share": 0.01}, {"most_remembered": 77}])
def test_the_memory_is_as_large_as_was_asked_for(texture: Pixels, values: dict[str, Any]) -> None:
    detector = fitted(texture, **values)
    assert len(detector.weights()["memory"]) == (103 if "memory_share" in values else 77)


def test_more_maps_than_fit_memory_are_computed_a_few_at_a_time(
    texture: Pixels, scratched: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(texture[10:])
    monkeypatch.setattr("memgan.detectors.on_features.patch_memory._MOST_BYTES", 0)
    by_parts = fitted(texture[10:])
    np.testing.assert_allclose(by_parts.score(scratched), whole.score(scratched), rtol=1e-6)


def test_of_very_many_places_some_are_drawn(
    texture: Pixels, scratched: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memgan.detectors.on_features.patch_memory._MOST_ROWS", 500)
    detector = fitted(texture[10:], memory_share=0.5)
    assert len(detector.weights()["memory"]) == 250
    assert detector.score(scratched).min() > detector.score(texture[:10]).max()


def test_it_needs_maps() -> None:
    with pytest.raises(ConfigError, match="pooling must be none"):
        make_parameters("patch-memory", {"features.pooling": "mean"}, "test")
    with pytest.raises(ConfigError, match="features"):
        make_parameters("patch-memory", {"features": None}, "test")


def test_a_coreset_leaves_nothing_far_and_takes_nothing_twice() -> None:
    rng = np.random.default_rng(0)
    many = np.concatenate([rng.normal(0, 0.1, (2000, 5)), rng.normal(4, 0.1, (20, 5))])
    rows = many.astype(np.float32)
    chosen = coreset(rows, 30, torch.Generator().manual_seed(0))
    again = coreset(rows, 30, torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(chosen, again)
    assert len(set(chosen.tolist())) == 30

    def farthest(places: np.ndarray[Any, Any]) -> float:
        apart = np.linalg.norm(rows[:, None] - rows[places], axis=2)
        return float(apart.min(axis=1).max())

    at_random = [farthest(rng.choice(len(rows), 30, replace=False)) for _ in range(5)]
    assert farthest(chosen) < 0.8 * np.median(at_random)
    np.testing.assert_array_equal(coreset(rows[:3], 9, torch.Generator()), [0, 1, 2])


def test_rows_that_are_all_alike_make_a_coreset_too() -> None:
    chosen = coreset(np.ones((10, 3), np.float32), 4, torch.Generator().manual_seed(0))
    assert len(set(chosen.tolist())) == 4


def test_a_row_is_at_no_distance_from_itself() -> None:
    rows = torch.randn(50, 30, generator=torch.Generator().manual_seed(0)) + 1000
    found = nearest(rows, rows, 1)
    assert torch.equal(found.places[:, 0], torch.arange(50))
    assert found.distances.max() == 0


def test_rows_are_compared_in_pieces_that_fit_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(50, 30, generator=torch.Generator().manual_seed(0))
    whole = nearest(rows, rows, 4)
    sizes: list[int] = []

    def compared(some: torch.Tensor, others: torch.Tensor, k: int) -> Nearest:
        sizes.append(len(some))
        return one_go(some, others, k)

    one_go = distances._nearest
    monkeypatch.setattr(distances, "_nearest", compared)
    monkeypatch.setattr(distances, "_MOST_VALUES", 8 * (50 + 2 * 4 * 30))
    by_pieces = nearest(rows, rows, 4)
    assert sizes == [8] * 6 + [2]
    assert torch.equal(by_pieces.places, whole.places)
    assert torch.equal(by_pieces.distances, whole.distances)
    assert (whole.distances.diff(dim=1) >= 0).all()
    assert nearest(rows[:0], rows, 4).places.shape == (0, 4)


def test_a_remembered_row_stands_before_its_twins() -> None:
    memory = torch.tensor([[3.0, 1.0]] * 4 + [[0.0, 0.0]] * 2)
    for count in (2, 3):
        around = _around(memory, count)
        assert around[:, 0].tolist() == list(range(6))
        assert all(len(set(row)) == count for row in around.tolist())


def test_what_lies_around_is_found_once_for_a_memory(
    texture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []

    def counted(memory: torch.Tensor, count: int) -> torch.Tensor:
        found.append(len(memory))
        return _around(memory, count)

    monkeypatch.setattr("memgan.detectors.on_features.patch_memory._around", counted)
    detector = fitted(texture[:6], most_remembered=30)
    first = detector.score(texture[:2])
    detector.maps(texture[:2])
    assert found == [30]
    detector.load_state_dict({"memory": detector.memory[:20] + 1})
    assert (detector.score(texture[:2]) != first).all()
    assert found == [30, 20]


def _exported(folder: Path, split: Split, values: dict[str, Any]) -> tuple[Cell, list[Bundle]]:
    configuration = Configuration(
        detector="patch-memory", parameters=values, runtime={"device": "cpu"}
    )
    cell = train_cell(configuration, split.development, split.test, "good", 0)
    write_bundle(folder, configuration, split, [cell], 0.3)
    return cell, [load_bundle(folder, backend=b, device="cpu") for b in ("torch", "onnx")]


def test_a_bundle_scores_and_maps_by_torch_and_by_onnx_and_is_drawn(
    texture: Pixels, scratched: Pixels, tmp_path: Path
) -> None:
    split = normals_and_negatives(texture)
    cell, (by_torch, by_onnx) = _exported(tmp_path / "bundle", split, FILTERS)
    for bundle in (by_torch, by_onnx):
        found = bundle.score(split.test.images)
        np.testing.assert_allclose(found, cell.test_scores, rtol=1e-4)
        assert bundle.rebuild(scratched) is None
    maps, other = by_torch.maps(scratched), by_onnx.maps(scratched)
    assert maps is not None
    assert other is not None
    np.testing.assert_allclose(other, maps, rtol=1e-3, atol=1e-3)
    mark = by_torch.calibration.normal_map
    assert mark is not None
    assert maps[:, 12, 35].min() > mark > np.median(maps)
    rows = [Scored("one.png", 1.0, 0.5, anomalous=False)]
    HeatMaps(tmp_path / "maps", by_torch).write(ScoredBatch(rows, scratched[:1], [None]))
    assert (tmp_path / "maps" / "one.png").stat().st_size > 1000


@needs_imagenet_weights
def test_backbone_and_memory_are_one_graph_on_imagenet_weights(
    texture: Pixels, tmp_path: Path
) -> None:
    split = normals_and_negatives(texture)
    cell, bundles = _exported(tmp_path / "b", split, {"features.size": 64, "memory_share": 0.2})
    for bundle in bundles:
        np.testing.assert_allclose(bundle.score(split.test.images), cell.test_scores, rtol=1e-3)
