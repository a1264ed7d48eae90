"""Many trained as one: each as if alone, whatever its size, its order and its neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from memgan.config.configuration import Configuration
from memgan.config.parameters import make_parameters
from memgan.data import Pixels, Split
from memgan.detectors import Stepwise, build_detector
from memgan.detectors.parts.contrast import Seen, see
from memgan.errors import TrainingDiverged
from memgan.training import Training, fit_epoch_as_one, packable
from memgan.training.pack import Pack
from memgan.training.packing import packs

KINDS = {
    "memgan": {"width": 2, "memory_units": 5, "memory_dim": 4, "cooldown": 0.5, "epochs": 3},
    "alice": {"width": 2, "code_dim": 4},
    "autoencoder": {"width": 2, "code_dim": 4, "contrast_normalised": True},
    "memae": {"width": 2, "memory_units": 5},
    "dcae": {"width": 2, "code_dim": 4, "weight_decay": 1e-2},
}
CPU = torch.device("cpu")


def make(
    kind: str,
    seeds: Sequence[int],
    shape: tuple[int, int, int] = (1, 8, 8),
    device: torch.device = CPU,
    **values: Any,
) -> list[Stepwise]:
    parameters = make_parameters(kind, {"batch_size": 4, **KINDS[kind], **values}, "test")
    made = [
        build_detector(kind, parameters, image_shape=shape, seed=seed, device=device)
        for seed in seeds
    ]
    return [detector for detector in made if isinstance(detector, Stepwise)]


def in_double(detectors: list[Stepwise]) -> list[Stepwise]:
    for detector in detectors:
        detector.networks.double()
        detector.see = _see_in_double  # type: ignore[method-assign]
    return detectors


def _see_in_double(pixels: Tensor) -> Seen:
    return Seen(see(pixels, contrast_normalised=False).x.double())


def drawn(sizes: Sequence[int], shape: tuple[int, int, int] = (1, 8, 8)) -> list[Pixels]:
    rng = np.random.default_rng(sum(sizes))
    return [rng.integers(0, 256, (size, *shape), dtype=np.uint8) for size in sizes]


def assert_alike(one: Stepwise, other: Stepwise, *, rtol: float) -> None:
    """Weights no further apart than `rtol` of the largest of their tensor, and all else equal.

    Or of 0.1: the bias of a code that BatchNorm follows has no gradient but rounding, and Adam
    divides that by its own size.
    """
    left, right = one.networks.state_dict(), other.networks.state_dict()
    for name, value in left.items():
        gap = (value - right[name]).abs().max()
        assert float(gap) <= rtol * max(0.1, float(value.abs().max())), name
    assert torch.equal(one.shuffling.get_state(), other.shuffling.get_state())
    assert one.epoch == other.epoch


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    sizes=st.lists(st.integers(4, 14), min_size=2, max_size=4),
    shape=st.sampled_from([(1, 8, 8), (3, 9, 8)]),
    first_seed=st.integers(0, 1000),
)
def test_each_is_as_if_trained_alone(
    kind: str, sizes: list[int], shape: tuple[int, int, int], first_seed: int
) -> None:
    seeds = range(first_seed, first_seed + len(sizes))
    alone, packed = in_double(make(kind, seeds, shape)), in_double(make(kind, seeds, shape))
    images = drawn(sizes, shape)
    for _ in range(2):
        expected = [detector.fit_epoch(own) for detector, own in zip(alone, images, strict=True)]
        found = fit_epoch_as_one(packed, images)
        for one, other in zip(expected, found, strict=True):
            assert other == pytest.approx(one, rel=1e-9)
    for detector, other in zip(alone, packed, strict=True):
        assert_alike(detector, other, rtol=1e-9)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_in_single_precision_losses_of_an_epoch_agree_to_four_digits(kind: str) -> None:
    images = drawn([40, 40, 37])
    alone, packed = make(kind, range(3)), make(kind, range(3))

    expected = [detector.fit_epoch(own) for detector, own in zip(alone, images, strict=True)]

    for one, other in zip(expected, fit_epoch_as_one(packed, images), strict=True):
        assert other == pytest.approx(one, rel=1e-4)


def test_steps_are_taken_together_where_batches_have_one_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together: list[tuple[int, ...]] = []
    monkeypatch.setattr(
        "memgan.training.pack.Pack.step",
        lambda pack, x: (
            together.append(tuple(x.shape[:2])) or {"loss": torch.zeros(len(pack.detectors))}
        ),
    )

    fit_epoch_as_one(make("autoencoder", range(3)), drawn([8, 8, 7]))

    # Batches of 4 and 4, of 4 and 4, and of 4 and 3: the last one waits for no one.
    assert together == [(3, 4), (2, 4), (1, 3)]


def test_what_diverges_leaves_its_neighbours_alone() -> None:
    images = drawn([8, 8, 8])
    alone, packed = in_double(make("memgan", range(3))), in_double(make("memgan", range(3)))
    for detectors in (alone, packed):
        with torch.no_grad():
            next(detectors[1].networks.parameters()).fill_(math.nan)
    for detector, own in zip(alone, images, strict=True):
        detector.fit_epoch(own)

    losses = fit_epoch_as_one(packed, images)

    assert math.isnan(losses[1]["cycle"])
    assert all(math.isfinite(value) for at in (0, 2) for value in losses[at].values())
    for at in (0, 2):
        assert_alike(alone[at], packed[at], rtol=1e-9)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_checkpoint_of_either_way_is_gone_on_with_by_the_other(kind: str) -> None:
    images = drawn([9, 8])
    whole, begun = in_double(make(kind, range(2))), in_double(make(kind, range(2)))
    for _ in range(3):
        for detector, own in zip(whole, images, strict=True):
            detector.fit_epoch(own)

    fit_epoch_as_one(begun, images)
    alone = in_double(make(kind, range(2)))
    for detector, other, own in zip(alone, begun, images, strict=True):
        detector.load_state_dict(other.state_dict())
        detector.fit_epoch(own)
    packed = in_double(make(kind, range(2)))
    for detector, other in zip(packed, alone, strict=True):
        detector.load_state_dict(other.state_dict())
    fit_epoch_as_one(packed, images)

    for detector, other in zip(whole, packed, strict=True):
        assert_alike(detector, other, rtol=1e-9)


def test_only_what_is_alike_is_packed() -> None:
    memgans, wider = make("memgan", range(2)), make("memgan", range(1), width=3)
    older = make("memgan", range(1))
    older[0].epoch = 1
    shallow = build_detector(
        "pca", make_parameters("pca", {}, "test"), image_shape=(1, 8, 8), seed=0, device=CPU
    )

    detectors = [memgans[0], *wider, shallow, *older, memgans[1], shallow]

    assert packable(detectors) == [[0, 4]]


def test_a_step_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(*_: Any, **__: Any) -> Any:
        raise AssertionError("a value was read in a step")

    for kind in sorted(KINDS):
        (detector,) = make(kind, [0])
        detector.begin_epoch()
        x = torch.randn(4, 1, 8, 8)
        with monkeypatch.context() as patch:
            for name in ("item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__"):
                patch.setattr(Tensor, name, waits)
            detector.step(x)
            Pack([detector, *make(kind, [1])]).step(torch.randn(2, 4, 1, 8, 8))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_step_on_a_gpu_waits_for_nothing(kind: str) -> None:
    device = torch.device("cuda")
    detectors = make(kind, range(3), device=device)
    for detector in detectors:
        detector.begin_epoch()
    pack, x = Pack(detectors), torch.randn(3, 4, 1, 8, 8, device=device)
    pack.step(x)  # The first step of a process makes handles, and may wait.
    detectors[0].step(x[0])
    torch.cuda.set_sync_debug_mode("error")
    try:
        pack.step(x)
        detectors[0].step(x[0])
    finally:
        torch.cuda.set_sync_debug_mode("default")


def with_packing(configuration: Configuration, packing: str) -> Configuration:
    runtime = configuration.runtime.model_copy(update={"packing": packing})
    return configuration.model_copy(update={"runtime": runtime})


def trained(
    tiny: Callable[..., Configuration], digits: Split, packing: str, **values: Any
) -> Training:
    configuration = tiny({"epochs": 3, "cooldown": 0.5}, **values)
    training = Training(
        with_packing(configuration, packing),
        digits.development,
        classes=["0", "1", "2", "3"],
        seed=0,
    )
    while not training.finished:
        training.advance(validate=False)
    return training


def test_classes_of_a_training_are_packed_also_where_values_change_on_the_way(
    tiny: Callable[..., Configuration], digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "schedule": {2: {"learning_rate": 5e-3, "batch_size": 32}},
        "by_class": {"3": {"epochs": 2}},
    }
    off = trained(tiny, digits, "off", **values)
    sizes: list[int] = []

    def counted(detectors: Sequence[Stepwise], images: Sequence[Pixels]) -> Any:
        sizes.append(len(detectors))
        return fit_epoch_as_one(detectors, images)

    monkeypatch.setattr("memgan.training.pack.fit_epoch_as_one", counted)
    on = trained(tiny, digits, "on", **values)

    assert sizes == [3, 3, 3]  # The class of another number of epochs trains by itself.
    expected, found = off.validate(), on.validate()
    assert found == pytest.approx(expected, abs=0.02)


def test_a_class_that_diverges_in_a_pack_is_named(
    tiny: Callable[..., Configuration], digits: Split
) -> None:
    configuration = with_packing(tiny(), "on")
    training = Training(configuration, digits.development, classes=["0", "1", "2"], seed=0)
    with torch.no_grad():
        training.detectors["1"].memory.fill_(math.nan)  # type: ignore[attr-defined]

    with pytest.raises(TrainingDiverged, match="of class 1 is nan in epoch 1"):
        training.advance()


def test_a_packed_training_is_saved_and_gone_on_with_to_the_bit(
    tiny: Callable[..., Configuration], digits: Split, tmp_path: Path
) -> None:
    configuration = with_packing(tiny({"epochs": 2}), "on")

    def start() -> Training:
        return Training(configuration, digits.development, classes=["0", "1", "2"], seed=0)

    straight, cut, resumed = start(), start(), start()
    for training in (straight, straight, cut):
        training.advance(validate=False)
    cut.save(tmp_path / "training.pt")
    resumed.load(tmp_path / "training.pt")
    resumed.advance(validate=False)

    for name, detector in straight.detectors.items():
        torch.testing.assert_close(
            detector.state_dict(), resumed.detectors[name].state_dict(), rtol=0, atol=0
        )


@pytest.mark.parametrize(
    ("packing", "device", "shape", "count", "expected"),
    [
        ("auto", "cpu", (1280,), 10, True),
        ("auto", "cpu", (1280,), 3, False),
        ("off", "cuda", (1, 8, 8), 10, False),
        ("on", "cpu", (3, 32, 32), 2, True),
        ("auto", "cpu", (1, 8, 8), 10, True),
        ("auto", "cpu", (1, 8, 8), 3, False),
        ("auto", "cpu", (1, 28, 28), 10, False),
        ("auto", "cuda", (1, 28, 28), 10, True),
    ],
)
def test_what_is_packed_follows_the_setting_or_the_measurement(
    packing: Any, device: str, shape: tuple[int, ...], count: int, expected: bool
) -> None:
    assert packs(packing, device, shape, count) is expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_on_a_gpu_each_is_as_if_trained_alone(kind: str) -> None:
    images = drawn([40, 40, 37])
    device = torch.device("cuda")
    alone = in_double(make(kind, range(3), device=device))
    packed = in_double(make(kind, range(3), device=device))

    expected = [detector.fit_epoch(own) for detector, own in zip(alone, images, strict=True)]

    for one, other in zip(expected, fit_epoch_as_one(packed, images), strict=True):
        assert other == pytest.approx(one, rel=1e-6)
