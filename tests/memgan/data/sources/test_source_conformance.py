"""What every kind of source must do, whatever it was read from."""

from __future__ import annotations

import numpy as np
import pytest

from memgan.config.typed import DataConfig
from memgan.data import Source, load_source, make_split

KINDS = [
    "digits",
    "mnist",
    "fashion-mnist",
    "cifar10",
    "folder",
    "folder-with-parts",
    "folder-normals-only-in-train",
    "folder-colour-jpeg",
    "npz-parts",
    "npz-one-part-strings",
    "npz-fractions-channels-last",
    "npz-channels-first",
]


@pytest.fixture(params=KINDS)
def config(request, random_images, write_folder, write_npz, write_idx, write_cifar) -> DataConfig:
    labels = np.arange(40) % 4
    match request.param:
        case "digits":
            return DataConfig()
        case "mnist":
            return DataConfig(source="mnist", dir=write_idx("MNIST"))
        case "fashion-mnist":
            return DataConfig(source="fashion-mnist", dir=write_idx("FashionMNIST"))
        case "cifar10":
            return DataConfig(source="cifar10", dir=write_cifar())
        case "folder":
            root = write_folder({"cat": 12, "dog": 15})
        case "folder-with-parts":
            root = write_folder({"train/a": 12, "train/b": 12, "test/a": 4, "test/b": 5})
        case "folder-normals-only-in-train":
            root = write_folder({"train/good": 12, "test/good": 4, "test/crack": 5})
        case "folder-colour-jpeg":
            root = write_folder({"0": 12, "1": 12}, shape=(16, 9, 3), suffix=".JPEG")
        case "npz-parts":
            x = random_images(60, 9, 11)
            root = write_npz(x_train=x[:40], y_train=labels, x_test=x[40:], y_test=labels[:20])
        case "npz-one-part-strings":
            root = write_npz(x=random_images(40, 8, 8), y=np.array(list("abcd") * 10))
        case "npz-fractions-channels-last":
            root = write_npz(x=random_images(40, 8, 10, 3) / 255, y=labels)
        case "npz-channels-first":
            root = write_npz(x=random_images(40, 3, 8, 10).astype(np.int64), y=labels)
        case other:
            raise AssertionError(other)
    return DataConfig(source=str(root))


@pytest.fixture
def source(config: DataConfig) -> Source:
    return load_source(config)


def parts(source: Source):
    return [source.train] if source.test is None else [source.train, source.test]


def test_images_and_labels_have_the_one_type_and_agree(source: Source) -> None:
    for part in parts(source):
        assert part.images.dtype == np.uint8
        assert part.images.ndim == 4
        assert len(part) == len(part.labels) > 0
        assert part.labels.dtype == np.int64
        assert set(np.unique(part.labels)) <= set(range(len(part.class_names)))
        assert part.class_names == source.train.class_names
        assert part.image_shape == source.train.image_shape


def test_pixels_use_the_range_of_a_byte(source: Source) -> None:
    assert source.train.images.max() > 200
    assert source.train.images.min() < 50


def test_loading_twice_gives_the_same(config: DataConfig, source: Source) -> None:
    again = load_source(config)

    assert [p.fingerprint() for p in parts(again)] == [p.fingerprint() for p in parts(source)]


def test_every_class_has_images_somewhere(source: Source) -> None:
    counts = [part.counts() for part in parts(source)]

    assert all(any(count[name] for count in counts) for name in source.train.class_names)


@pytest.mark.parametrize(("size", "channels"), [((8, 13), 1), ((20, 16), 3)])
def test_size_and_channels_are_what_was_asked_for(
    config: DataConfig, size: tuple[int, int], channels: int
) -> None:
    asked = DataConfig.model_validate(
        {**config.model_dump(), "image_size": size, "channels": channels}
    )

    for part in parts(load_source(asked)):
        assert part.image_shape == (channels, *size)


def test_it_splits_and_each_part_keeps_the_type(config: DataConfig, source: Source) -> None:
    split = make_split(source, config)

    total = sum(len(part) for part in parts(source))
    pieces = (split.development.train, split.development.validation, split.test)
    assert sum(len(piece) for piece in pieces) == total
    assert all(piece.class_names == source.train.class_names for piece in pieces)
    assert len(split.hash) == 64


def test_an_official_test_part_is_left_as_it_is(config: DataConfig, source: Source) -> None:
    if source.test is None:
        assert len(make_split(source, config).test) > 0
    else:
        assert make_split(source, config).test.fingerprint() == source.test.fingerprint()
