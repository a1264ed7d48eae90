"""The cut: disjoint, complete, stratified, repeatable, and never through identical images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memgan.config.typed import DataConfig
from memgan.data import LabeledImages, Source, Split, load_split, make_split
from memgan.data.identical import shared_images
from memgan.errors import DataError


def numbered(counts: list[int], *, start: int = 0) -> LabeledImages:
    """Images that are all different: each carries its own number in its first pixels."""
    labels = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(start).shuffle(labels)
    images = np.zeros((len(labels), 1, 8, 8), dtype=np.uint8)
    numbers = np.arange(start, start + len(labels))
    images[:, 0, 0, 0], images[:, 0, 0, 1] = numbers // 256, numbers % 256
    return LabeledImages(images, labels, tuple(f"c{i}" for i in range(len(counts))))


def numbers_in(part: LabeledImages) -> list[int]:
    pixels = part.images.astype(int)
    return (pixels[:, 0, 0, 0] * 256 + pixels[:, 0, 0, 1]).tolist()


def pieces(split: Split) -> tuple[LabeledImages, LabeledImages, LabeledImages]:
    return split.development.train, split.development.validation, split.test


class_counts = st.lists(st.integers(1, 60), min_size=1, max_size=5)
fractions = st.floats(0.05, 0.9)
seeds = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(class_counts, st.booleans(), fractions, fractions, seeds)
def test_parts_are_disjoint_complete_and_stratified(
    counts: list[int], official: bool, for_test: float, for_validation: float, seed: int
) -> None:
    test = numbered(counts, start=1000) if official else None
    source = Source("s", numbered(counts), test)
    config = DataConfig(test_fraction=for_test, validation_fraction=for_validation, split_seed=seed)

    train, validation, tested = pieces(make_split(source, config))

    found = [number for part in (train, validation, tested) for number in numbers_in(part)]
    expected = numbers_in(source.train) + (numbers_in(test) if test else [])
    assert sorted(found) == sorted(expected)
    for name, size in source.train.counts().items():
        left = size
        if official:
            assert tested.counts()[name] == size
        else:
            cut = tested.counts()[name]
            assert cut == min(max(round(for_test * size), 1), max(size - 3, 0))
            left -= cut
        held = validation.counts()[name]
        assert held == min(max(round(for_validation * left), 1), max(left - 2, 0))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=4, max_size=60), seeds)
def test_identical_images_never_lie_on_both_sides(drawn: list[tuple[int, int]], seed: int) -> None:
    images = np.zeros((len(drawn), 1, 8, 8), dtype=np.uint8)
    images[:, 0, 3, 3] = [look for look, _ in drawn]
    labels = np.array([label for _, label in drawn], dtype=np.int64)
    source = Source("s", LabeledImages(images, labels, ("a", "b", "c")), None)

    train, validation, test = pieces(make_split(source, DataConfig(split_seed=seed)))

    assert shared_images(validation, train) == 0
    assert shared_images(test, train) == 0
    assert shared_images(test, validation) == 0
    assert len(train) + len(validation) + len(test) == len(drawn)


@settings(max_examples=20, deadline=None)
@given(class_counts, seeds, st.integers(0, 2**32 - 1))
def test_the_cut_repeats_and_ignores_the_global_random_state(
    counts: list[int], seed: int, global_seed: int
) -> None:
    source, config = Source("s", numbered(counts), None), DataConfig(split_seed=seed)
    first = make_split(source, config)
    np.random.seed(global_seed)
    before: Any = np.random.get_state()

    second = make_split(source, config)

    after: Any = np.random.get_state()
    assert second.hash == first.hash
    assert [numbers_in(p) for p in pieces(second)] == [numbers_in(p) for p in pieces(first)]
    assert np.array_equal(before[1], after[1])
    assert before[2] == after[2]


def test_another_seed_or_another_image_changes_the_hash() -> None:
    source = Source("s", numbered([30, 30]), None)
    changed = Source("s", numbered([30, 30], start=1), None)
    first = make_split(source, DataConfig()).hash

    assert make_split(source, DataConfig(split_seed=1)).hash != first
    assert make_split(changed, DataConfig()).hash != first


def test_an_image_moved_from_train_to_test_changes_the_hash() -> None:
    everything = numbered([40])
    positions = np.arange(40)
    config = DataConfig(validation_fraction=0.5)

    def cut_at(n: int) -> str:
        train, test = everything.take(positions[:n]), everything.take(positions[n:])
        return make_split(Source("s", train, test), config).hash

    assert cut_at(30) != cut_at(29)


def test_validation_share_does_not_move_the_test_part() -> None:
    source = Source("s", numbered([50, 40]), None)

    narrow = make_split(source, DataConfig(validation_fraction=0.1))
    wide = make_split(source, DataConfig(validation_fraction=0.5))

    assert numbers_in(narrow.test) == numbers_in(wide.test)


def test_digits_keep_the_counts_of_the_protocol() -> None:
    split = load_split(DataConfig())

    assert len(split.test) == 719
    assert all(10 <= n <= 11 for n in split.development.validation.counts().values())


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_one_image_leave_a_class_without_validation(copies: int) -> None:
    images = np.repeat(numbered([1]).images, copies, axis=0)
    part = LabeledImages(images, np.zeros(copies, dtype=np.int64), ("only",))

    train, validation, test = pieces(make_split(Source("s", part, None), DataConfig()))

    assert (len(train), len(validation), len(test)) == (copies, 0, 0)


def lending(**changed: Any) -> tuple[Source, DataConfig]:
    train = numbered([0, 20])
    test = numbered([10, 6], start=500)
    config = DataConfig(source="s", validation="from-test", **changed)
    return Source("s", train, test), config


def test_half_of_the_defects_of_test_are_lent_to_validation_on_request() -> None:
    source, config = lending()

    lent, kept = make_split(source, config), make_split(source, DataConfig(source="s"))

    assert kept.lent is None
    assert kept.test.counts() == {"c0": 10, "c1": 6}
    assert lent.test.counts() == {"c0": 5, "c1": 6}
    assert lent.development.validation.counts()["c0"] == 5
    assert not set(numbers_in(lent.test)) & set(numbers_in(lent.development.validation))
    assert lent.hash != kept.hash
    assert "5 of 10 c0" in str(lent.lent)
    assert "seed 0" in str(lent.lent)
    assert lent.lent in lent.remarks
    assert make_split(source, config).hash == lent.hash
    assert make_split(*lending(split_seed=1)).hash != lent.hash


def test_nothing_is_lent_of_published_sets_or_of_what_is_not_there() -> None:
    source, config = lending()

    with pytest.raises(DataError, match="published data set"):
        make_split(replace(source, benchmark=True), config)
    with pytest.raises(DataError, match="no test part of its own"):
        make_split(replace(source, test=None), config)
    with pytest.raises(DataError, match="no anomalous class"):
        make_split(source, config, ("c0", "c1"))
