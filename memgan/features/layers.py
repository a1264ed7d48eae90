"""Layers of a network by the stride of their map, or by the names of their modules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from memgan.errors import BadInput, nearest

_STRIDE = re.compile(r"stride(\d+)")
_COARSEST = 32
"""The coarsest stride that networks have before they take the mean over all places."""


class _Done(Exception):
    """All layers that are wanted have been reached."""


def layer_modules(
    network: nn.Module, wanted: Sequence[str], *, side: int, name: str
) -> dict[str, tuple[int, int]]:
    """The modules of a network that `wanted` names, finest map first, each with the number of its
    channels and the cells a side of its map. side: of the images, in pixels; name: the network's.

    BadInput, in one line, for a layer that the network has not, for one that gives no map, and for
    a network that does not take images of that side.
    """
    shapes = _shapes(network, side, name)
    found = dict.fromkeys(_module(one, shapes, side, name) for one in wanted)
    finest_first = sorted(found, key=lambda module: (-shapes[module][-1], module))
    return {module: (shapes[module][0], shapes[module][-1]) for module in finest_first}


def maps_of(network: nn.Module, modules: Sequence[str], images: Tensor) -> list[Tensor]:
    """What these modules give of images (B, 3, S, S): maps (B, C, h, w), in the order asked for,
    each the same whichever others are asked for.

    What comes behind the last of them is not computed.
    """
    found: dict[str, Tensor] = {}

    def keep(module: str, output: Tensor) -> None:
        found[module] = output.clone()  # What comes next may work in place.
        if len(found) == len(modules):
            raise _Done

    with _watched(network, modules, keep), suppress(_Done):
        network(images)
    return [found[module] for module in modules]


def _shapes(network: nn.Module, side: int, name: str) -> dict[str, tuple[int, ...]]:
    """The shape (C, h, w) of what each module gives, in the order in which they are computed;
    modules that are used more than once, or give anything else, are left out."""
    found: dict[str, tuple[int, ...]] = {}
    uses: Counter[str] = Counter()

    def note(module: str, output: Any) -> None:
        uses[module] += 1
        if isinstance(output, Tensor) and output.dim() == 4:
            found[module] = tuple(output.shape[1:])

    device = next(iter(network.state_dict().values()), torch.zeros(())).device
    try:
        with torch.no_grad(), _watched(network, [m for m, _ in network.named_modules() if m], note):
            network(torch.zeros(1, 3, side, side, device=device))
    except (RuntimeError, AssertionError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip("!. ")[:200]
        raise BadInput(
            f"features.size: {name} does not take images of {side} pixels ({said}); give another,"
            " such as 224"
        ) from None
    return {module: shape for module, shape in found.items() if uses[module] == 1}


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
    square = {m: side // s[-1] for m, s in shapes.items() if s[-1] == s[-2] <= side}
    if stride:
        # One cell that stands for a whole image of more than 32 pixels is a mean, and no map of it.
        strides = {m: each for m, each in square.items() if side <= _COARSEST or each < side}
        at = [module for module, found in strides.items() if found == int(stride[1])]
        if at:
            # A block and not what is inside of one: the last of those that lie least deep.
            least = min(module.count(".") for module in at)
            return [module for module in at if module.count(".") == least][-1]
        known = ", ".join(f"stride{n}" for n in sorted(set(strides.values())))
        raise BadInput(
            f"features.layers: {name} has no {wanted} at {side} pixels; it has {known or 'no map'}"
        )
    if wanted in square:
        return wanted
    if wanted in shapes:
        given = "×".join(str(length) for length in shapes[wanted])
        raise BadInput(
            f"features.layers: {wanted} of {name} gives {given}, which is no square map behind its"
            " channels; name another module, or a stride, such as stride8"
        )
    near = nearest(wanted, square)
    hint = f"; did you mean {near!r}?" if near else ""
    raise BadInput(
        f"features.layers: {name} has no module {wanted!r} that gives one map{hint}; a stride,"
        " such as stride8, names the last layer of that resolution"
    )
