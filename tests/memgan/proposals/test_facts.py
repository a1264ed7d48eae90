"""What is known of images and machine before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memgan.config.typed import DataConfig
from memgan.data import load_split
from memgan.proposals.facts import data_facts, machine_facts


@pytest.mark.parametrize(
    "folders",
    [
        {"good": 40, "bad": 10},
        {"train/good": 30, "test/good": 5, "test/bad": 5},
        {"train/good": 30, "train/other": 12, "validation/good": 4, "test/good": 5},
    ],
)
def test_training_images_are_counted_as_the_split_cuts_them(
    write_folder: Callable[..., Path], folders: dict[str, int]
) -> None:
    config = DataConfig(source=str(write_folder(folders)))

    found = data_facts(config, ("good",))

    split = load_split(config, normal_class=("good",))
    assert abs(found.images - split.development.train.counts()["good"]) <= 1
    assert found.normal_classes == 1


def test_of_several_normal_classes_the_middle_one_counts(
    write_folder: Callable[..., Path],
) -> None:
    root = write_folder({"train/a": 10, "train/b": 20, "train/c": 90, "test/a": 2})

    found = data_facts(DataConfig(source=str(root)))

    assert (found.images, found.normal_classes) == (18, 3)


@pytest.mark.parametrize("there", [True, False])
def test_a_gpu_counts_where_there_may_be_one_and_it_is_wanted(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memgan.proposals.facts.may_have_gpu", lambda: there)
    assert machine_facts().gpu is there
    assert machine_facts("cuda").gpu
    assert not machine_facts("cpu").gpu
    assert machine_facts().cores >= 1
