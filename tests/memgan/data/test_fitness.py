"""Which classes can be normal ones, and what a user without labelled anomalies is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from memgan.config.typed import DataConfig
from memgan.data import Split, check_normal_classes, load_split, why_no_validation
from memgan.errors import DataError, UnknownName


def split_of(root: Path) -> Split:
    return load_split(DataConfig(source=str(root)))


def test_all_means_every_class_in_the_order_of_the_source(
    write_folder: Callable[..., Path],
) -> None:
    split = split_of(write_folder({"b": 9, "a": 9}))

    assert check_normal_classes(split, "all") == ("a", "b")
    assert check_normal_classes(split, ("b",)) == ("b",)


def test_an_unknown_class_gets_the_nearest(write_folder: Callable[..., Path]) -> None:
    split = split_of(write_folder({"apple": 9, "pear": 9}))

    with pytest.raises(UnknownName, match=r"class 'aple'; did you mean 'apple'\?"):
        check_normal_classes(split, ("aple",))


def test_a_class_of_the_test_part_alone_cannot_be_normal(
    write_folder: Callable[..., Path],
) -> None:
    split = split_of(write_folder({"train/good": 9, "test/good": 3, "test/crack": 3}))

    assert check_normal_classes(split, "all") == ("good",)
    with pytest.raises(DataError, match=r"'crack' has no training images.*can: good"):
        check_normal_classes(split, ("crack",))


@pytest.mark.parametrize(("count", "trained", "held"), [(1, 1, 0), (2, 2, 0)])
def test_too_few_images_are_named_with_their_counts(
    write_folder: Callable[..., Path], count: int, trained: int, held: int
) -> None:
    split = split_of(write_folder({"good": 9, "rare": count}))

    assert check_normal_classes(split, ("good",)) == ("good",)
    with pytest.raises(
        DataError, match=rf"'rare' .*: {trained} to train on \(2 needed\), {held} to validate"
    ):
        check_normal_classes(split, "all")


def test_three_images_are_just_enough(write_folder: Callable[..., Path]) -> None:
    split = split_of(write_folder({"train/a": 3, "train/b": 3, "test/a": 1, "test/b": 1}))

    assert check_normal_classes(split, "all") == ("a", "b")


def test_a_constant_class_is_refused_only_as_the_normal_one(
    write_npz: Callable[..., Path], random_images: Callable[..., np.ndarray]
) -> None:
    x = random_images(40, 8, 8)
    x[20:] = np.arange(20)[:, None, None]
    y = np.repeat([0, 1], 20)
    split = split_of(write_npz(x_train=x, y_train=y, x_test=x, y_test=y))

    assert check_normal_classes(split, ("0",)) == ("0",)
    with pytest.raises(DataError, match="class '1' has only constant"):
        check_normal_classes(split, ("1",))


def test_labelled_sets_need_no_advice(write_folder: Callable[..., Path]) -> None:
    split = split_of(write_folder({"a": 9, "b": 9}))

    assert why_no_validation(split, "a") is None


def test_defects_in_test_alone_are_never_borrowed_and_the_user_is_told_what_to_do(
    write_folder: Callable[..., Path],
) -> None:
    split = split_of(write_folder({"train/good": 20, "test/good": 3, "test/crack": 4}))

    reason = why_no_validation(split, "good")

    assert not split.development.can_validate("good")
    assert split.development.validation.counts() == {"crack": 0, "good": 2}
    assert reason is not None
    assert "\n" not in reason
    assert "memgan train" in reason
    assert "DIR/train/<class>/" in reason
    assert "7 labelled test images" in reason


def test_normals_alone_promise_no_auroc(write_folder: Callable[..., Path]) -> None:
    split = split_of(write_folder({"good": 20}))

    reason = why_no_validation(split, "good")

    assert check_normal_classes(split, "all") == ("good",)
    assert reason is not None
    assert "AUROC" not in reason
