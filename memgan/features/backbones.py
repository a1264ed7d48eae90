"""Backbones by name: the networks, without weights, and how they want to see images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from memgan.errors import BadInput, UnknownName, unknown_name
from memgan.features.efficientnet_lite import EfficientNetLite0, renamed
from memgan.features.filters import FilterBank

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (127 / 255,) * 3, (128 / 255,) * 3
BUILT_IN = ("filters", "efficientnet-lite0")


@dataclass(frozen=True)
class Backbone:
    """One network: how to make it, and what pixels, 0 to 1, it was made for."""

    name: str
    make: Callable[[], nn.Module]
    """The network as it is before it has weights."""
    mean: tuple[float, ...]
    """Of the pixels, by channel; `spread` is their standard deviation."""
    spread: tuple[float, ...]
    needs_weights: bool = True
    edition: str = ""
    """Of a network without weights: another one where it computes anything else than before, so
    that features and bundles of the earlier one are not taken for its own."""
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = dict
    """The names in published files as those of the network."""
    url: str | None = None
    """Where torchvision has its weights, in a file whose name ends in the beginning of its
    SHA-256."""


def backbone_names() -> list[str]:
    """The names of all backbones: our own two, and torchvision's classification networks."""
    from torchvision import models

    return [*BUILT_IN, *models.list_models(module=models)]


def backbone_named(name: str) -> Backbone:
    """A backbone by its name. UnknownName, with the nearest one, for another."""
    if name == "filters":
        return Backbone(name, FilterBank, *_HALF, needs_weights=False)
    if name == "efficientnet-lite0":
        return Backbone(name, EfficientNetLite0, *_HALF, rename=renamed)
    known = backbone_names()
    if name not in known:
        raise _unknown(name, known)
    from torchvision import models

    usual = models.get_model_weights(name).DEFAULT
    return Backbone(name, lambda: _of_torchvision(name), *_IMAGENET, url=usual.url)


def _of_torchvision(name: str) -> nn.Module:
    from torchvision import models

    # Some of them draw helpers of their training beside what scores, which these two leave out.
    more: dict[str, Any] = {}
    if name == "googlenet":
        more = {"aux_logits": False, "init_weights": False, "transform_input": False}
    if name == "inception_v3":
        more = {"aux_logits": False, "init_weights": False}
    network: nn.Module = models.get_model(name, weights=None, **more)
    return network


def _unknown(name: str, known: list[str]) -> UnknownName:
    told = str(unknown_name("backbone", name, known))
    head, _, _ = told.partition(" known:")
    return UnknownName(f"{head} known: {', '.join(BUILT_IN)} and torchvision's, such as resnet18")


def make_network(backbone: Backbone) -> nn.Module:
    """The network, frozen and in evaluation; its values are arbitrary before it has weights."""
    # Layers fill themselves from torch's global generator; the fork leaves the caller's alone.
    with torch.random.fork_rng(devices=[]):
        network = backbone.make()
    return network.eval().requires_grad_(False)


def fill(network: nn.Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Put weights into a network. BadInput, in one line, where they do not fit it; then nothing
    was changed. Weights of layers that the network has not, such as a classifier, are left out."""
    own = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    missing = [name for name in own if name not in weights]
    if missing:
        raise BadInput(
            f"{where} does not fit: it lacks {missing[0]!r}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + "; give the weights of this very network"
        )
    for name, value in own.items():
        given = weights[name]
        if given.shape != value.shape or _kind(given) != _kind(value):
            raise BadInput(
                f"{where} does not fit: {name!r} is {given.dtype} {tuple(given.shape)}, the"
                f" network has {value.dtype} {tuple(value.shape)}; give the weights of this very"
                " network"
            )
        if not torch.isfinite(given).all():
            raise BadInput(
                f"{where}: {name!r} holds values that are not finite; give other weights"
            )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(weights[name])


def _kind(value: Tensor) -> str:
    """Weights may be kept in fewer bits, but not as another kind of number."""
    if value.dtype == torch.bool or value.is_complex():
        return str(value.dtype)
    return "real" if value.is_floating_point() else "whole"
