"""One configuration with several seeds: means, spread, and checkpoints that go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from memgan.config.configuration import Configuration, Runtime
from memgan.data import Split
from memgan.errors import TrainingDiverged
from memgan.stats import OverSeeds
from memgan.training.lockstep import EpochReport, Training
from memgan.training.repeated import Repeated

Tiny = Callable[..., Configuration]


def repeated(configuration: Configuration, split: Split, seeds: Sequence[int]) -> Repeated:
    return Repeated(configuration, split.development, classes=("0", "1"), seeds=seeds)


def packed(configuration: Configuration, packing: str) -> Configuration:
    runtime = Runtime.model_validate({"device": "cpu", "packing": packing})
    return configuration.model_copy(update={"runtime": runtime})


def alone(configuration: Configuration, split: Split, seed: int) -> list[EpochReport]:
    training = Training(configuration, split.development, classes=("0", "1"), seed=seed)
    return [training.advance() for _ in range(2)]


@pytest.mark.parametrize("packing", ["on", "off"])
def test_a_report_has_the_mean_and_the_spread_of_trainings_with_each_seed(
    tiny: Tiny, digits: Split, packing: str
) -> None:
    configuration = packed(tiny(), packing)
    by_seed = [alone(tiny(), digits, seed) for seed in (4, 5)]
    training = repeated(configuration, digits, (4, 5))
    exact = 1e-9 if packing == "off" else 0.02
    while not training.finished:
        found = training.advance()
        expected = [reports[training.epoch - 1] for reports in by_seed]
        for name in ("0", "1"):
            figures = OverSeeds.of([one.val_auroc[name] for one in expected])
            assert found.val_auroc[name] == pytest.approx(figures.mean, abs=exact)
            assert found.val_auroc_sd[name] == pytest.approx(figures.sd, abs=exact)
        means = OverSeeds.of([one.mean_val_auroc for one in expected])
        assert found.mean_val_auroc == pytest.approx(means.mean, abs=exact)
        assert found.val_auroc_sd["mean"] == pytest.approx(means.sd, abs=exact)
        for loss, value in found.losses.items():
            both = [one.losses[loss] for one in expected]
            assert value == pytest.approx(np.mean(both), rel=max(exact, 1e-3))
    assert training.epoch == 2


def test_one_seed_is_a_training_as_it_was_and_its_checkpoint_too(
    tiny: Tiny, digits: Split, tmp_path: Path
) -> None:
    single = Training(tiny(), digits.development, classes=("0", "1"), seed=4)
    training = repeated(tiny(), digits, (4,))
    expected, found = single.advance(), training.advance()
    assert (found.val_auroc, found.losses) == (expected.val_auroc, expected.losses)
    assert found.val_auroc_sd == {}
    single.save(tmp_path / "of_single.pt")
    training.save(tmp_path / "of_one_seed.pt")
    one, other = (torch.load(tmp_path / f"of_{n}.pt") for n in ("single", "one_seed"))
    torch.testing.assert_close(other, one, rtol=0, atol=0)


@pytest.mark.parametrize("packing", ["on", "off"])
def test_interrupted_and_resumed_equals_uninterrupted(
    tiny: Tiny, digits: Split, tmp_path: Path, packing: str
) -> None:
    configuration = packed(tiny(), packing)
    whole = repeated(configuration, digits, (4, 5))
    whole.advance()
    whole.save(tmp_path / "training.pt")
    expected = whole.advance()
    resumed = repeated(configuration, digits, (4, 5))
    resumed.load(tmp_path / "training.pt")
    assert resumed.epoch == 1
    found = resumed.advance()
    assert (found.val_auroc, found.val_auroc_sd) == (expected.val_auroc, expected.val_auroc_sd)
    assert resumed.standing().val_auroc_sd == expected.val_auroc_sd


def test_a_seed_that_diverges_is_named(
    tiny: Tiny, digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = repeated(tiny(), digits, (4, 5))
    detector = training.trainings[1].detectors["1"]
    monkeypatch.setattr(detector, "fit_epoch", lambda images: {"cycle": float("nan")})
    with pytest.raises(TrainingDiverged, match="with seed 5: cycle loss of class 1 is nan"):
        training.advance()
