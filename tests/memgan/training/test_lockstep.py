"""Training in lockstep: reports, resuming to the bit, verdicts on divergence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from memgan.config.configuration import Configuration, Runtime
from memgan.data import Split
from memgan.errors import TrainingDiverged
from memgan.training.lockstep import EpochReport, Training

Tiny = Callable[..., Configuration]


def start(
    configuration: Configuration, split: Split, classes: Sequence[str] = ("0", "1"), seed: int = 0
) -> Training:
    return Training(configuration, split.development, classes=classes, seed=seed)


def finish(training: Training) -> list[EpochReport]:
    reports = []
    while not training.finished:
        reports.append(training.advance())
    return reports


def figures(reports: Sequence[EpochReport]) -> list[Any]:
    return [(report.epoch, report.val_auroc, report.losses) for report in reports]


def assert_equal(one: Training, other: Training) -> None:
    for name, detector in one.detectors.items():
        left, right = detector.state_dict(), other.detectors[name].state_dict()
        torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_every_epoch_is_reported(tiny: Tiny, digits: Split) -> None:
    reports = finish(start(tiny(), digits))

    assert [report.epoch for report in reports] == [1, 2]
    for report in reports:
        assert set(report.val_auroc) == {"0", "1"}
        assert all(0 <= value <= 1 for value in report.val_auroc.values())
        assert report.mean_val_auroc == pytest.approx(sum(report.val_auroc.values()) / 2)
        assert {"cycle", "discriminator"} < set(report.losses)
        assert all(math.isfinite(value) for value in report.losses.values())
        assert min(report.seconds, report.images_per_second, report.peak_memory_mb) > 0


def test_a_few_epochs_learn_real_digits(tiny: Tiny, digits: Split) -> None:
    strong = {"width": 8, "memory_units": 20, "memory_dim": 16, "epochs": 8, "learning_rate": 5e-3}

    reports = finish(start(tiny(strong), digits, ["0"]))

    assert reports[-1].losses["cycle"] < 0.7 * reports[0].losses["cycle"]
    assert reports[-1].val_auroc["0"] > 0.95


def test_interrupted_and_resumed_equals_uninterrupted(
    tiny: Tiny, digits: Split, tmp_path: Path
) -> None:
    configuration = tiny({"epochs": 4}, by_class={"1": {"epochs": 3}})
    straight = start(configuration, digits)
    expected = finish(straight)
    cut = start(configuration, digits)
    first = [cut.advance(), cut.advance()]
    cut.save(tmp_path / "training.pt")

    resumed = start(configuration, digits)
    resumed.load(tmp_path / "training.pt")

    assert figures([*first, *finish(resumed)]) == figures(expected)
    assert_equal(straight, resumed)
    assert [path.name for path in tmp_path.iterdir()] == ["training.pt"]


def test_validating_changes_nothing_that_training_sees(tiny: Tiny, digits: Split) -> None:
    watched, unwatched = start(tiny(), digits), start(tiny(), digits)
    finish(watched)
    while not unwatched.finished:
        unwatched.advance(validate=False)

    assert watched.validate() == unwatched.validate()


def test_a_class_trained_alone_equals_itself_trained_among_others(
    tiny: Tiny, digits: Split
) -> None:
    runtime = Runtime(device="cpu", packing="off")  # As one, they are equal up to rounding.
    in_turn = tiny().model_copy(update={"runtime": runtime})
    together = start(in_turn, digits, ["8", "0", "1"], seed=5)
    finish(together)
    alone = start(in_turn, digits, ["1"], seed=5)
    finish(alone)

    assert_equal(alone, together)


def test_seed_and_class_alone_decide_the_random_numbers(tiny: Tiny, digits: Split) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]
    one = start(tiny(), digits)
    one.advance()
    torch.testing.assert_close(torch.get_rng_state(), before[0], rtol=0, atol=0)
    assert (np.random.get_state()[1] == before[1]).all()  # type: ignore[index]

    torch.manual_seed(2)
    same, other = start(tiny(), digits), start(tiny(), digits, seed=1)
    same.advance()

    assert_equal(one, same)
    memory = {key: t.detectors["0"].weights()["memory.units"] for key, t in enumerate([one, other])}
    assert not torch.equal(memory[0], memory[1])
    untrained = start(tiny(), digits)
    zero, first = (untrained.detectors[c].weights()["memory.units"] for c in ("0", "1"))
    assert not torch.equal(zero, first)


def test_a_class_with_fewer_epochs_rests_while_others_go_on(tiny: Tiny, digits: Split) -> None:
    training = start(tiny({"epochs": 3}, by_class={"1": {"epochs": 1}}), digits)
    training.advance()
    rested = training.detectors["1"].weights()

    assert [report.epoch for report in finish(training)] == [2, 3]
    torch.testing.assert_close(training.detectors["1"].weights(), rested, rtol=1e-5, atol=1e-6)


def test_a_loss_that_is_not_finite_names_class_and_epoch(tiny: Tiny, digits: Split) -> None:
    configuration = tiny({"batch_size": 16}, by_class={"1": {"cycle_weight": 1e300}})

    with pytest.raises(TrainingDiverged, match=r"loss of class 1 is \S+ in epoch 1; lower"):
        finish(start(configuration, digits))


def test_scores_that_are_not_finite_name_class_and_epoch(tiny: Tiny, digits: Split) -> None:
    training = start(tiny(), digits)
    training.advance()
    with torch.no_grad():
        training.detectors["1"].memory.fill_(math.nan)  # type: ignore[attr-defined]

    with pytest.raises(TrainingDiverged, match="scores of class 1 are not finite in epoch 1"):
        training.validate()


def test_classes_without_labelled_validation_are_absent(tiny: Tiny, unlabelled: Split) -> None:
    report = start(tiny(), unlabelled, ["good"]).advance()

    assert report.val_auroc == {}
    with pytest.raises(ValueError, match="no class has labelled validation"):
        _ = report.mean_val_auroc


def test_a_checkpoint_of_other_classes_or_sizes_does_not_pass_for_ours(
    tiny: Tiny, digits: Split, tmp_path: Path
) -> None:
    training = start(tiny(), digits)
    training.save(tmp_path / "training.pt")

    with pytest.raises(KeyError):
        start(tiny(), digits, ["2"]).load(tmp_path / "training.pt")
    with pytest.raises((RuntimeError, ValueError)):
        start(tiny({"memory_units": 5}), digits).load(tmp_path / "training.pt")
