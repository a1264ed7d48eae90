"""Layers of a network by the stride of their map, or by the names of their modules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from memgan.errors import BadInput, nearest

_STRIDE = re.compile(r"stride(\d+)")


class _Done(Exception):
    """All layers that are wanted have been reached."""


def layer_modules(
    network: nn.Module, wanted: Sequence[str], *, side: int, name: str
) -> dict[str, tuple[int, int]]:
    """The modules of a network that `wanted` names, finest map first, each with the number of its
    channels and the cells a side of its map. side: of the images, in pixels; name: the network's.

    BadInput, in one line, for a layer that the network has not, and for one that gives no map.
    """
    shapes = _shapes(network, side)
    found = dict.fromkeys(_module(one, shapes, side, name) for one in wanted)
    finest_first = sorted(found, key=lambda module: (-shapes[module][-1], module))
    return {module: (shapes[module][0], shapes[module][-1]) for module in finest_first}


def maps_of(network: nn.Module, modules: Sequence[str], images: Tensor) -> list[Tensor]:
    """What these modules give of images (B, 3, S, S): maps (B, C, h, w), in the order asked for.

    What comes behind the last of them is not computed.
    """
    found: dict[str, Tensor] = {}

    def keep(module: str, output: Tensor) -> None:
        found[module] = output
        if len(found) == len(modules):
            raise _Done

    with _watched(network, modules, keep), suppress(_Done):
        network(images)
    return [found[module] for module in modules]


def _shapes(network: nn.Module, side: int) -> dict[str, tuple[int, ...]]:
    """The shape (C, h, w) of the map that each module gives, in the order in which they are
    computed; modules that give no map, or are used twice in different ways, are left out."""
    found: dict[str, tuple[int, ...]] = {}

    def note(module: str, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4:
            found.pop(module, None)
            found[module] = tuple(output.shape[1:])

    device = next(iter(network.state_dict().values()), torch.zeros(())).device
    with torch.no_grad(), _watched(network, [m for m, _ in network.named_modules() if m], note):
        network(torch.zeros(1, 3, side, side, device=device))
    return found


@contextmanager
def _watched(
    network: nn.Module, modules: Sequence[str], tell: Callable[[str, Any], None]
) -> Iterator[None]:
    def hook_of(module: str) -> Callable[..., None]:
        return lambda _, __, output: tell(module, output)

    hooks = [network.get_submodule(m).register_forward_hook(hook_of(m)) for m in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _module(wanted: str, shapes: dict[str, tuple[int, ...]], side: int, name: str) -> str:
    stride = _STRIDE.fullmatch(wanted)
    square = {m: side // s[-1] for m, s in shapes.items() if s[-1] == s[-2]}
    if stride:
        at = [module for module, found in square.items() if found == int(stride[1])]
        if at:
            # A block and not what is inside of one: the last of those that lie least deep.
            least = min(module.count(".") for module in at)
            return [module for module in at if module.count(".") == least][-1]
        strides = ", ".join(f"stride{n}" for n in sorted(set(square.values())))
        raise BadInput(
            f"features.layers: {name} has no {wanted} at {side} pixels; it has"
            f" {strides or 'no map'}"
        )
    if wanted in shapes:
        return wanted
    near = nearest(wanted, shapes)
    hint = f"; did you mean {near!r}?" if near else ""
    raise BadInput(
        f"features.layers: {name} has no module {wanted!r} that gives a map{hint}; a stride, such"
        " as stride8, names the last layer of that resolution"
    )
