"""The worst mistakes of a bundle, as pictures."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from memgan.bundle import load_bundle
from memgan.data import LabeledImages, Mask
from memgan.figures import worst_mistakes

RNG = np.random.default_rng(0)


@pytest.fixture
def test_images() -> LabeledImages:
    masks = [Mask(8, 8)] * 6 + [Mask.of(np.eye(16, dtype=bool))] * 6
    return LabeledImages(
        RNG.integers(0, 256, (12, 1, 8, 8), dtype=np.uint8),
        np.array([0] * 6 + [1] * 6),
        ("good", "scratch"),
        tuple(masks),
    )


def test_misses_are_the_lowest_anomalies_not_flagged_and_alarms_the_highest_normals_flagged(
    bundle: Path, test_images: LabeledImages
) -> None:
    loaded = load_bundle(bundle, backend="onnx")
    threshold = loaded.calibration.threshold
    assert threshold is not None
    above = np.array([-3.0, 5, -1, 9, 1, 7, -2, 4, -9, -5, 6, -4])
    anomalous = test_images.labels == 1

    found = worst_mistakes(loaded, test_images, threshold + above, anomalous, 3)

    assert [(each.kind, each.position) for each in found] == [
        ("miss", 8),
        ("miss", 9),
        ("miss", 11),
        ("false alarm", 3),
        ("false alarm", 5),
        ("false alarm", 1),
    ]
    assert {each.of_class for each in found[:3]} == {"scratch"}
    assert found[3].p_value <= loaded.calibration.false_alarm_rate < found[0].p_value
    picture = np.asarray(Image.open(io.BytesIO(found[0].picture)))
    assert found[0].media_type == "image/png"
    image, _, mask = np.split(np.delete(picture, [*range(160, 164), *range(324, 328)], 1), 3, 1)
    assert np.array_equal(image[::20, ::20, 0], test_images.images[8, 0])
    assert mask[10, 10, 0] > 60
    assert mask[10, 150, 0] == 0


def test_large_images_are_shrunk_and_kept_as_jpeg(
    bundle: Path, test_images: LabeledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_bundle(bundle, backend="onnx")
    large = replace(
        test_images,
        images=RNG.integers(0, 256, (12, 3, 400, 200), dtype=np.uint8),
        masks=None,
    )
    monkeypatch.setattr(type(loaded), "maps", lambda self, images: None)

    (found, *_) = worst_mistakes(loaded, large, np.zeros(12), large.labels == 1, 1)

    assert found.media_type == "image/jpeg"
    assert Image.open(io.BytesIO(found.picture)).size == (80, 160)
    assert len(found.picture) < 40_000


def test_without_mistakes_there_is_nothing_to_show(
    bundle: Path, test_images: LabeledImages
) -> None:
    loaded = load_bundle(bundle, backend="onnx")
    scores = np.where(test_images.labels == 1, 1e9, -1e9)

    assert worst_mistakes(loaded, test_images, scores, test_images.labels == 1, 5) == []
