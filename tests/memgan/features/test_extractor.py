"""What a frozen network makes of images, and that nothing of it changes on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from imagenet_weights import needs_imagenet_weights
from PIL import Image
from safetensors.torch import save_file

from memgan.config import Features
from memgan.data import Pixels
from memgan.errors import BundleError
from memgan.features import Extractor, FeatureCache
from memgan.features.backbones import backbone_named, make_network
from memgan.features.extractor import resizing
from memgan.machine import computed_in

CPU = torch.device("cpu")
FILTERS = Features(backbone="filters", size=64)


def extractor(features: Features = FILTERS, shape: tuple[int, int, int] = (3, 48, 40)) -> Extractor:
    return Extractor(features, shape, device=CPU)


def test_a_mean_is_one_vector_of_unit_length(photographs: Pixels) -> None:
    both = FILTERS.model_copy(update={"layers": "stride8,stride16"})
    for features, length in ((FILTERS, 27), (both, 54)):
        vectors = extractor(features).of(photographs)
        assert vectors.shape == (5, length)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_maps_lie_at_the_resolution_of_the_finest(photographs: Pixels) -> None:
    features = FILTERS.model_copy(update={"pooling": "none"})
    maps = extractor(features).of(photographs)
    assert maps.shape == (5, 54, 8, 8)
    coarse = extractor(features.model_copy(update={"layers": "stride16"})).of(photographs)
    # Made finer by a line between neighbours, the middle of four cells stays their mean.
    np.testing.assert_allclose(maps[:, 27:].mean(axis=(2, 3)), coarse.mean(axis=(2, 3)), rtol=0.05)


def test_grey_is_as_the_same_in_colour(photographs: Pixels) -> None:
    grey = photographs[:, :1]
    of_grey = extractor(shape=(1, 48, 40)).of(grey)
    np.testing.assert_allclose(of_grey, extractor().of(grey.repeat(3, axis=1)), rtol=1e-4)


def test_what_is_computed_does_not_depend_on_what_is_beside_it(photographs: Pixels) -> None:
    one = extractor()
    alone = np.concatenate([one.of(photographs[at : at + 1]) for at in range(5)])
    np.testing.assert_allclose(alone, one.of(photographs), rtol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "none"])
def test_a_training_in_bf16_keeps_the_same_features_as_one_in_fp32(
    pooling: Literal["mean", "none"], photographs: Pixels, tmp_path: Path
) -> None:
    features = FILTERS.model_copy(update={"pooling": pooling})
    expected = extractor(features).of(photographs)
    cached = extractor(features)
    cached.cache = FeatureCache(tmp_path)
    with computed_in("bf16", CPU):
        np.testing.assert_array_equal(cached.of(photographs), expected)
    np.testing.assert_array_equal(cached.of(photographs), expected)


def test_filters_of_another_edition_have_another_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    first = extractor().checksum
    other = replace(backbone_named("filters"), edition="2")
    monkeypatch.setattr("memgan.features.extractor.backbone_named", lambda name: other)
    assert extractor().checksum != first


def test_an_image_is_resized_as_pillow_does(photographs: Pixels) -> None:
    picture = Image.fromarray(photographs[0, 0])
    small = np.asarray(picture.resize((32, 32), Image.Resampling.BILINEAR), float)
    pixels = torch.tensor(photographs[0, 0], dtype=torch.float32)
    ours = resizing(48, 32) @ pixels @ resizing(40, 32).T
    np.testing.assert_allclose(ours.numpy(), small, atol=1)


def test_it_stays_in_evaluation_as_a_part_of_what_is_trained(weights_here: Path) -> None:
    whole = torch.nn.Sequential(Extractor(Features(size=32), (3, 32, 32), device=CPU))
    whole.train()
    assert not any(module.training for module in whole[0].modules())


def test_weights_that_are_given_are_used_and_no_file_is_needed(
    weights_here: Path, photographs: Pixels
) -> None:
    small = Features(size=32)
    network = make_network(backbone_named("efficientnet-lite0"))
    save_file(network.state_dict(), weights_here / "efficientnet-lite0.safetensors")
    first = extractor(small)
    expected, frozen = first.of(photographs), first.frozen()
    (weights_here / "efficientnet-lite0.safetensors").unlink()

    second = extractor(small)
    second.expect(first.checksum)
    second.take(frozen)
    np.testing.assert_array_equal(second.of(photographs), expected)

    frozen["stem.conv.weight"][0] += 1
    third = extractor(small)
    third.expect(first.checksum)
    with pytest.raises(BundleError, match="not those that this was fitted with"):
        third.take(frozen)
    with pytest.raises(BundleError, match="not those of efficientnet-lite0"):
        extractor(small).take({"intruder": torch.zeros(1)})


def test_a_file_that_holds_others_than_it_was_fitted_with_is_refused(
    weights_here: Path, photographs: Pixels
) -> None:
    network = make_network(backbone_named("efficientnet-lite0"))
    save_file(network.state_dict(), weights_here / "efficientnet-lite0.safetensors")
    other = extractor(Features(size=32))
    other.expect("0" * 64)
    with pytest.raises(BundleError, match="holds other weights"):
        other.of(photographs)


@needs_imagenet_weights
def test_photographs_of_one_thing_lie_together_on_imagenet_weights(photographs: Pixels) -> None:
    noise = np.random.default_rng(1).integers(0, 256, photographs.shape, dtype=np.uint8)
    vectors = extractor(Features(size=64)).of(np.concatenate([photographs, noise]))
    likeness = vectors @ vectors.T
    assert likeness[:5, :5].mean() > likeness[:5, 5:].mean() + 0.1


def test_on_a_cpu_the_network_is_given_few_images_at_a_time() -> None:
    extractor = Extractor(
        Features(backbone="filters", size=96), (1, 8, 8), device=torch.device("cpu")
    )
    given: list[int] = []
    extractor.register_forward_pre_hook(lambda _, inputs: given.append(len(inputs[0])))
    images = np.random.default_rng(0).integers(0, 256, (30, 1, 8, 8), dtype=np.uint8)

    extractor.of(images)

    assert given == [14, 14, 2]
