"""What every source of images must do: a pytest suite, for ours and for those of plug-ins."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from memgan.config import DataConfig
from memgan.data import LabeledImages, Source, load_source, make_split


class SourceSuite:
    """Subclass it as `class TestMine(SourceSuite)` and say `name`, or override the fixture
    `config` where the source needs a data folder, which a test makes small."""

    name: ClassVar[str]
    """The name that the source is registered under."""

    @pytest.fixture
    def config(self) -> DataConfig:
        return DataConfig(source=self.name)

    @pytest.fixture
    def source(self, config: DataConfig) -> Source:
        return load_source(config)

    def test_images_and_labels_have_the_one_type_and_agree(self, source: Source) -> None:
        for part in _parts(source):
            assert part.images.dtype == np.uint8
            assert part.images.ndim == 4
            assert len(part) == len(part.labels) > 0
            assert part.labels.dtype == np.int64
            assert set(np.unique(part.labels)) <= set(range(len(part.class_names)))
            assert part.class_names == source.train.class_names
            assert part.image_shape == source.train.image_shape

    def test_pixels_use_the_range_of_a_byte(self, source: Source) -> None:
        assert source.train.images.max() > 200
        assert source.train.images.min() < 50

    def test_loading_twice_gives_the_same(self, config: DataConfig, source: Source) -> None:
        again = load_source(config)

        assert [p.fingerprint() for p in _parts(again)] == [p.fingerprint() for p in _parts(source)]

    def test_every_class_has_images_somewhere(self, source: Source) -> None:
        counts = [part.counts() for part in _parts(source)]

        assert all(any(count[name] for count in counts) for name in source.train.class_names)

    @pytest.mark.parametrize(("size", "channels"), [((8, 13), 1), ((20, 16), 3)])
    def test_size_and_channels_are_what_was_asked_for(
        self, config: DataConfig, size: tuple[int, int], channels: int
    ) -> None:
        asked = DataConfig.model_validate(
            {**config.model_dump(), "image_size": size, "channels": channels}
        )

        for part in _parts(load_source(asked)):
            assert part.image_shape == (channels, *size)

    def test_it_splits_and_each_part_keeps_the_type(
        self, config: DataConfig, source: Source
    ) -> None:
        split = make_split(source, config)

        total = sum(len(part) for part in _parts(source))
        pieces = (split.development.train, split.development.validation, split.test)
        assert sum(len(piece) for piece in pieces) == total
        assert all(piece.class_names == source.train.class_names for piece in pieces)
        assert len(split.hash) == 64

    def test_an_official_test_part_is_left_as_it_is(
        self, config: DataConfig, source: Source
    ) -> None:
        if source.test is None:
            assert len(make_split(source, config).test) > 0
        else:
            assert make_split(source, config).test.fingerprint() == source.test.fingerprint()


def _parts(source: Source) -> list[LabeledImages]:
    return [source.train] if source.test is None else [source.train, source.test]
