"""MemAE beside its equations: shrunken addresses, their entropy, and what can be rebuilt."""

from __future__ import annotations

import math

import pytest
import torch

from memgan.config.parameters import make_parameters
from memgan.data import Pixels
from memgan.detectors import build_detector
from memgan.detectors.memae import Memae, address_entropy, shrink


def make(shape: tuple[int, int, int] = (1, 8, 8), **values: object) -> Memae:
    detector = build_detector(
        "memae",
        make_parameters("memae", {"width": 4, "memory_units": 10, **values}, "test"),
        image_shape=shape,
        seed=0,
        device=torch.device("cpu"),
    )
    assert isinstance(detector, Memae)
    return detector


def test_addresses_below_the_threshold_are_none_and_the_rest_sums_to_one() -> None:
    shrunk = shrink(torch.tensor([[0.5, 0.3, 0.15, 0.05]]), 0.2)
    assert shrunk.tolist() == [pytest.approx([0.625, 0.375, 0.0, 0.0])]


def test_where_nothing_is_above_the_threshold_nothing_is_addressed_and_all_stays_finite() -> None:
    weights = torch.full((1, 4), 0.25, requires_grad=True)
    shrunk = shrink(weights, 0.5)
    (gradient,) = torch.autograd.grad(shrunk.sum() + address_entropy(shrunk), weights)
    assert not shrunk.any()
    assert torch.isfinite(gradient).all()


def test_the_entropy_of_one_item_is_none_and_of_even_ones_the_greatest() -> None:
    assert address_entropy(torch.tensor([[1.0, 0.0]])).item() == pytest.approx(0, abs=1e-6)
    assert address_entropy(torch.full((3, 8), 1 / 8)).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 9, 11), (3, 17, 8)])
def test_the_decoder_gives_the_size_back(shape: tuple[int, int, int]) -> None:
    x = torch.zeros(2, *shape)
    assert make(shape).parts(x).shape == x.shape


def test_networks_are_those_of_its_paper() -> None:
    convolutions = [m for m in make((1, 28, 28), width=16).parts.encoder if hasattr(m, "stride")]
    assert [(c.kernel_size[0], c.out_channels) for c in convolutions] == [(1, 16), (3, 32), (3, 64)]
    assert make((1, 28, 28), width=16).parts.memory.shape == (10, 64 * 4 * 4)
    colour = [m for m in make((3, 32, 32), width=64).parts.encoder if hasattr(m, "stride")]
    assert [c.out_channels for c in colour] == [64, 128, 128, 256]


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_images_are_rebuilt_from_few_items_alone(normals: Pixels, similarity: str) -> None:
    detector = make(similarity=similarity, learning_rate=3e-3, batch_size=16)
    for _ in range(5):
        detector.fit_epoch(normals)
    detector.prepare_to_score(normals)
    with torch.no_grad():
        addresses = detector.parts.addresses(detector.see(torch.tensor(normals)).x)
    assert torch.allclose(addresses.sum(dim=1), torch.ones(len(normals)))
    assert (addresses == 0).any(dim=1).all()


def test_training_rebuilds_better_and_every_part_of_it_moves(normals: Pixels) -> None:
    detector = make(learning_rate=3e-3, batch_size=16)
    before = {name: value.clone() for name, value in detector.parts.named_parameters()}
    losses = [detector.fit_epoch(normals)["residual"] for _ in range(10)]
    assert losses[-1] < losses[0] / 2
    still = [n for n, v in detector.parts.named_parameters() if torch.equal(v, before[n])]
    assert still == []
