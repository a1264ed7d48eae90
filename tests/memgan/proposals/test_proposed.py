"""What a search begins with: it follows from the number and size of images and from the machine."""

from __future__ import annotations

import math
from typing import Any

import pytest

from memgan.proposals.proposed import DataFacts, MachineFacts, Proposal, few_steps, propose
from memgan.proposals.sizes import shown

TWO_CORES = MachineFacts(cores=2, gpu=False)
A_GPU = MachineFacts(cores=16, gpu=True)
TINY_DIGITS = DataFacts(images=97, normal_classes=10, sizes={(8, 8): 1797})
PHOTOGRAPHS = DataFacts(
    images=108, normal_classes=1, sizes={(64, 64): 20, (160, 160): 60, (256, 256): 28}
)
MANY = DataFacts(images=5400, normal_classes=10, sizes={(28, 28): 60_000})


def values(
    data: DataFacts, machine: MachineFacts = TWO_CORES, detector: str = "memgan", **stated: Any
) -> dict[str, Any]:
    given = {key.replace("__", "."): value for key, value in stated.items()}
    return {each.key: each.value for each in propose(data, machine, detector, given)}


@pytest.mark.parametrize(
    ("data", "machine", "size", "width", "batch", "epochs", "trials"),
    [
        (TINY_DIGITS, TWO_CORES, [8, 8], 8, 16, 143, 24),
        (PHOTOGRAPHS, TWO_CORES, [64, 64], 16, 16, 143, 24),
        (PHOTOGRAPHS, A_GPU, [64, 64], 16, 16, 143, 24),
        (MANY, TWO_CORES, [28, 28], 16, 64, 12, 11),
        (MANY, A_GPU, [28, 28], 32, 128, 24, 24),
    ],
)
def test_width_batch_epochs_size_and_trials_follow_from_the_images_and_the_machine(
    data: DataFacts,
    machine: MachineFacts,
    size: list[int],
    width: int,
    batch: int,
    epochs: int,
    trials: int,
) -> None:
    found = values(data, machine)

    assert found["data.image_size"] == size
    assert found["fixed.width"] == width
    assert found["fixed.batch_size"] == batch
    assert found["fixed.epochs"] == epochs
    assert found["budget.trials"] == trials


@pytest.mark.parametrize("detector", ["memgan", "memgan-plus", "autoencoder", "memae", "dsvdd"])
@pytest.mark.parametrize("images", [3, 30, 108, 700, 5400, 100_000])
def test_a_training_has_at_least_a_thousand_steps(detector: str, images: int) -> None:
    found = values(DataFacts(images, 1, {(32, 32): images}), detector=detector)

    steps = found["fixed.epochs"] * math.ceil(images / found["fixed.batch_size"])
    assert steps >= 1000


def test_what_is_stated_is_not_proposed_and_the_rest_goes_with_it() -> None:
    found = values(PHOTOGRAPHS, fixed__batch_size=4, data__image_size=16, budget__trials=3)

    assert not {"fixed.batch_size", "data.image_size", "budget.trials"} & set(found)
    assert found["fixed.epochs"] == math.ceil(1000 / 27)
    assert found["fixed.width"] == 8  # 16×16 is tiny.


def test_a_searched_batch_size_counts_as_the_detectors_own() -> None:
    assert values(PHOTOGRAPHS, fixed__batch_size=[16, 32])["fixed.epochs"] == 500


def test_stopping_waits_for_a_quarter_of_the_epochs_whichever_were_stated() -> None:
    assert values(PHOTOGRAPHS)["scheduler.grace_epochs"] == 35
    assert values(PHOTOGRAPHS, fixed__epochs=40)["scheduler.grace_epochs"] == 10
    assert "scheduler.grace_epochs" not in values(PHOTOGRAPHS, scheduler__name="none")


def test_a_time_budget_alone_is_a_budget() -> None:
    assert values(MANY, budget__time="30m")["budget.trials"] == 1000
    assert values(MANY, budget__time="30m", scheduler__name="pbt")["budget.trials"] == 12
    assert "budget.trials" not in values(MANY, budget__time="30m", budget__trials=5)


def test_detectors_without_steps_get_neither_epochs_nor_a_width() -> None:
    assert set(values(PHOTOGRAPHS, detector="pca")) == {
        "data.image_size",
        "data.calibration",
        "budget.trials",
    }


def test_a_published_width_stays() -> None:
    assert "fixed.width" not in values(PHOTOGRAPHS, detector="dsvdd")


@pytest.mark.parametrize(
    ("sizes", "proposed"),
    [
        ({(480, 640): 5}, [56, 72]),  # As the images are shaped.
        ({(480, 640): 5, (640, 480): 5}, [64, 64]),  # Shaped in two ways.
        ({(1000, 9000): 5}, [32, 128]),  # No more than four times as wide.
        ({(20, 20): 9, (24, 24): 9, (28, 28): 9}, [24, 24]),  # Small, and of several sizes.
        ({(40, 30): 9}, [40, 30]),  # Small, as it is.
        ({(4, 4): 9}, None),  # Too small: the loader refuses them.
        ({}, None),  # Nothing could be opened: the loader says so.
    ],
)
def test_a_size_keeps_the_shape_of_the_images(
    sizes: dict[tuple[int, int], int], proposed: list[int] | None
) -> None:
    assert values(DataFacts(10, 1, sizes)).get("data.image_size") == proposed


def test_many_large_images_are_made_smaller_still_where_there_is_no_gpu() -> None:
    many = DataFacts(50_000, 1, {(300, 300): 50_000})

    assert values(many)["data.image_size"] == [32, 32]
    assert values(many, A_GPU)["data.image_size"] == [64, 64]


def test_every_choice_is_one_line_with_its_reason() -> None:
    for data in (TINY_DIGITS, PHOTOGRAPHS, MANY):
        for each in propose(data, TWO_CORES, "memgan", {}):
            assert each.reason
            assert "\n" not in each.line()

    assert Proposal("data.image_size", [8, 9], "why").line() == "data.image_size 8×9: why"
    assert shown(7) == "7"


def test_few_steps_are_told_with_the_epochs_that_would_do() -> None:
    line = few_steps(images=108, batch_size=64, epochs=7)

    assert line is not None
    assert "14 steps" in line
    assert "--epochs 500" in line
    assert few_steps(images=5400, batch_size=64, epochs=7) is None


def test_few_images_calibrate_by_cross_fitting_and_many_are_held_out() -> None:
    assert values(PHOTOGRAPHS)["data.calibration"] == "cross-fit"
    assert "data.calibration" not in values(MANY)
    assert "data.calibration" not in values(PHOTOGRAPHS, data__calibration="holdout")


def test_no_test_part_is_cut_from_normals_alone() -> None:
    normals = DataFacts(108, 1, {(64, 64): 120}, only_normals=True)

    assert values(normals)["data.test_fraction"] == 0
    assert "data.test_fraction" not in values(normals, data__test_fraction=0.2)
    assert "data.test_fraction" not in values(PHOTOGRAPHS)


def test_images_for_a_frozen_network_keep_the_detail_that_it_sees() -> None:
    assert values(PHOTOGRAPHS, detector="patch-memory")["data.image_size"] == [224, 224]
    stated = values(PHOTOGRAPHS, detector="pca", fixed__features={"backbone": "filters"})
    assert stated["data.image_size"] == [224, 224]


def test_networks_for_vectors_are_not_fitted_to_the_size_of_images() -> None:
    features = {"backbone": "filters"}
    pixels = values(MANY)
    vectors = values(MANY, fixed__features=features)
    assert "fixed.width" in pixels
    assert "fixed.width" not in vectors
    assert vectors["budget.trials"] > pixels["budget.trials"]
    assert "fixed.width" not in values(TINY_DIGITS, detector="memgan-turns")
