"""Trainings in another arithmetic: what changes, what does not, and that no weight grows stale."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from memgan.config import Configuration
from memgan.data import Split
from memgan.detectors import Stepwise
from memgan.detectors.parts.batches import in_batches
from memgan.machine import Arithmetic, computed_in
from memgan.training import Training

CPU = torch.device("cpu")


def trained(
    tiny: Callable[..., Configuration], digits: Split, precision: Arithmetic, packing: str = "off"
) -> Training:
    configuration = tiny({"epochs": 2})
    chosen = {"precision": precision, "packing": packing}
    runtime = configuration.runtime.model_copy(update=chosen)
    training = Training(
        configuration.model_copy(update={"runtime": runtime}),
        digits.development,
        classes=["0", "1", "2"],
        seed=0,
    )
    while not training.finished:
        training.advance()
    return training


def weights(training: Training) -> torch.Tensor:
    detectors = training.detectors.values()
    assert all(isinstance(detector, Stepwise) for detector in detectors)
    every = [w.flatten() for d in detectors for w in d.networks.parameters()]  # type: ignore[attr-defined]
    assert all(weight.dtype == torch.float32 for weight in every)
    return torch.cat(every).detach()


@pytest.mark.parametrize("packing", ["off", "on"])
def test_bf16_trains_other_weights_that_judge_alike(
    packing: str, tiny: Callable[..., Configuration], digits: Split
) -> None:
    plain, short = (trained(tiny, digits, name, packing) for name in ("fp32", "bf16"))
    assert not torch.equal(weights(plain), weights(short))
    assert math.isfinite(float(weights(short).sum()))
    found = [of.validated[name].figure for of in (plain, short) for name in ("0", "1", "2")]
    assert found[3:] == pytest.approx(found[:3], abs=0.1)


def test_auto_and_tf32_are_fp32_on_a_cpu(tiny: Callable[..., Configuration], digits: Split) -> None:
    plain, auto, tf32 = (trained(tiny, digits, name) for name in ("fp32", "auto", "tf32"))
    assert torch.equal(weights(plain), weights(auto))
    assert torch.equal(weights(plain), weights(tf32))


def test_a_weight_that_was_changed_is_seen_within_one_context() -> None:
    weight = torch.ones(2, 2, requires_grad=True)
    one = torch.ones(1, 2)
    with computed_in("bf16", CPU):
        before = one @ weight
        with torch.no_grad():
            weight.fill_(3)
        after = one @ weight
    assert before.dtype == torch.bfloat16
    assert after.tolist() == [[6, 6]]


@pytest.mark.parametrize("name", ["fp32", "tf32"])
def test_the_process_is_left_as_it_was(name: Arithmetic) -> None:
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    with computed_in(name, CPU):
        assert [backend.allow_tf32 for backend in backends] == [name == "tf32"] * 2
    assert [backend.allow_tf32 for backend in backends] == before


@pytest.mark.parametrize("around", ["auto", "tf32", "bf16"])
def test_scoring_is_in_fp32_whatever_the_process_allows(around: Arithmetic) -> None:
    seen: list[bool] = []

    def score(pixels: torch.Tensor) -> torch.Tensor:
        seen.extend((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
        return pixels.float() @ torch.full((2, 2), 1 + 2**-20)

    with computed_in(around, CPU):
        found = in_batches(score, np.ones((3, 2), dtype=np.uint8), CPU)
    assert seen == [False, False]
    assert (found == np.float32(2 + 2**-19)).all()
