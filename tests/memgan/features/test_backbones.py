"""Networks by name, their layers, and how a wrong name is answered."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from memgan.errors import BadInput, UnknownName
from memgan.features.backbones import backbone_named, fill, make_network
from memgan.features.layers import layer_modules, maps_of


def test_an_unknown_name_is_answered_with_the_nearest_in_a_line() -> None:
    with pytest.raises(UnknownName, match="did you mean 'resnet18'") as fault:
        backbone_named("resnet81")
    assert len(str(fault.value)) < 200


def test_making_a_network_leaves_the_global_generator_alone_and_it_frozen() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    network = make_network(backbone_named("efficientnet-lite0"))
    assert torch.equal(torch.rand(3), expected)
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())


@pytest.mark.parametrize(
    ("name", "stride", "module", "channels"),
    [
        ("efficientnet-lite0", "stride8", "blocks.4", 40),
        ("efficientnet-lite0", "stride16", "blocks.10", 112),
        ("efficientnet-lite0", "stride32", "head", 1280),
        ("resnet18", "stride8", "layer2", 128),
        ("resnet18", "stride16", "layer3", 256),
        ("filters", "stride8", "to8", 27),
    ],
)
def test_a_stride_is_the_last_block_of_that_resolution(
    name: str, stride: str, module: str, channels: int
) -> None:
    network = make_network(backbone_named(name))
    assert layer_modules(network, [stride], side=64, name=name) == {
        module: (channels, 64 // int(stride.removeprefix("stride")))
    }


def test_layers_come_finest_first_whatever_the_order_and_by_their_own_names() -> None:
    network = make_network(backbone_named("filters"))
    found = layer_modules(network, ["stride16", "to4", "to16"], side=64, name="filters")
    assert list(found) == ["to4", "to16"]


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ("stride9", "filters has no stride9 at 64 pixels; it has stride2, stride4, stride8"),
        ("too8", "no module 'too8' that gives one map; did you mean 'to8'"),
    ],
)
def test_a_layer_that_is_not_there_is_told_with_those_that_are(layer: str, told: str) -> None:
    network = make_network(backbone_named("filters"))
    with pytest.raises(BadInput, match=told):
        layer_modules(network, [layer], side=64, name="filters")


def test_what_lies_behind_the_last_layer_is_not_computed() -> None:
    class Fails(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError("not needed")

    network = nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(2), Fails())
    first, second = maps_of(network, ["0", "1"], torch.ones(1, 3, 8, 8))
    assert first.shape == (1, 3, 4, 4)
    assert second.shape == (1, 3, 2, 2)


class _Twice(nn.Module):
    """A map, halved; the same in place without what is below 0; and one module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.small, self.positive, self.shared = nn.AvgPool2d(2), nn.ReLU(inplace=True), nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shared(self.shared(self.positive(self.small(x))))


def test_a_layers_map_is_the_same_whichever_others_are_asked_for() -> None:
    images = torch.full((1, 3, 8, 8), -1.0)
    (alone,) = maps_of(_Twice(), ["small"], images)
    beside, _ = maps_of(_Twice(), ["small", "positive"], images)
    assert torch.equal(alone, beside)
    assert alone.max() == -1


def test_a_module_that_is_used_twice_gives_no_one_map() -> None:
    assert layer_modules(_Twice(), ["stride2"], side=64, name="twice") == {"positive": (3, 32)}
    with pytest.raises(BadInput, match="'shared' that gives one map"):
        layer_modules(_Twice(), ["shared"], side=64, name="twice")


class _OtherShapes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last, self.wide, self.mean = nn.Identity(), nn.AvgPool2d((1, 2)), nn.AvgPool2d(64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] < 64:
            raise RuntimeError("Output size is too small")
        self.last(x.movedim(1, 3))
        return self.mean(x) + self.wide(x).mean()


def test_what_is_no_square_map_behind_its_channels_is_refused_in_a_line() -> None:
    for layer, given in (("last", "64×64×3"), ("wide", "3×64×32")):
        with pytest.raises(BadInput, match=f"{layer} of other gives {given}"):
            layer_modules(_OtherShapes(), [layer], side=64, name="other")
    with pytest.raises(BadInput, match="has no stride64 at 64 pixels; it has no map"):
        layer_modules(_OtherShapes(), ["stride64"], side=64, name="other")


def test_a_size_that_a_network_does_not_take_is_told_as_such() -> None:
    told = r"features\.size: other does not take images of 32 pixels \(Output size is too small\)"
    with pytest.raises(BadInput, match=told):
        layer_modules(_OtherShapes(), ["mean"], side=32, name="other")


def test_weights_may_hold_whole_numbers_where_the_network_has_them_and_nowhere_else() -> None:
    network = nn.Conv2d(1, 1, 1)
    network.register_buffer("index", torch.zeros(3, dtype=torch.int64))
    own = {name: value.clone() for name, value in network.state_dict().items()}
    fill(network, {**own, "index": torch.tensor([2, 1, 0])}, "a file")
    assert network.index.tolist() == [2, 1, 0]
    fill(network, {**own, "bias": own["bias"].half()}, "a file")
    for name, kind in (("index", torch.float32), ("bias", torch.int64)):
        with pytest.raises(BadInput, match=f"{name!r} is {kind}"):
            fill(network, {**own, name: own[name].to(kind)}, "a file")


def test_filters_compute_what_their_edition_always_has() -> None:
    """Where this fails, `filters` need another edition: features and bundles are known by it."""
    backbone = backbone_named("filters")
    images = torch.sin(40 * torch.linspace(0, 1, 3 * 64 * 64) ** 2).reshape(1, 3, 64, 64)
    found = backbone.make()(images).double()
    assert float(found.sum()) == pytest.approx(42.9048, rel=1e-4)
    assert float(found.square().sum()) == pytest.approx(39.6129, rel=1e-4)
    assert backbone.edition == ""
