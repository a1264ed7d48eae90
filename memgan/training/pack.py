"""Many detectors of one configuration trained as one model: weights stacked, moves by `vmap`.

Every detector keeps its own weights, optimisers, images, order and random numbers, which are where
they are when it is trained by itself. Only the arithmetic of a step is done for all at once.
Detectors whose next batches have the same size take their steps together; nothing is padded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from memgan.config import Packing
from memgan.data import Pixels
from memgan.detectors import Detector, Move, Stepwise, shuffled_batches, take_gradients
from memgan.training.packing import packs


def fit_epochs(
    detectors: Sequence[Detector], images: Sequence[Pixels], packing: Packing
) -> list[dict[str, float]]:
    """One epoch of each detector on its images; the mean losses of each. Those that can be trained
    as one are, where `packing` says so; the others in turn."""
    found: dict[int, dict[str, float]] = {}
    for group in packable(detectors):
        alike = [detector for place in group if isinstance(detector := detectors[place], Stepwise)]
        if packs(packing, alike[0].device.type, alike[0].seen_shape, len(alike)):
            losses = fit_epoch_as_one(alike, [images[place] for place in group])
            found |= dict(zip(group, losses, strict=True))
    for place, detector in enumerate(detectors):
        if place not in found:
            found[place] = detector.fit_epoch(images[place])
    return [found[place] for place in range(len(detectors))]


def packable(detectors: Sequence[Detector]) -> list[list[int]]:
    """The places of detectors that can be trained as one, those with each other.

    They are of one kind that trains by moves and have the same values, image shape, device and
    epoch. Groups of one are left out.
    """
    groups: list[list[int]] = []
    for place, detector in enumerate(detectors):
        fitting = (group for group in groups if _alike(detectors[group[0]], detector))
        if (group := next(fitting, None)) is not None:
            group.append(place)
        else:
            groups.append([place])
    return [group for group in groups if len(group) > 1]


def _alike(one: Detector, other: Detector) -> bool:
    return (
        isinstance(one, Stepwise)
        and isinstance(other, Stepwise)
        and type(one) is type(other)
        and one.parameters == other.parameters
        and one.image_shape == other.image_shape
        and one.device == other.device
        and one.epoch == other.epoch
    )


def fit_epoch_as_one(
    detectors: Sequence[Stepwise], images: Sequence[Pixels]
) -> list[dict[str, float]]:
    """One epoch of each detector on its images, uint8 (N, C, H, W), N at least 2; the mean losses
    of each, as from `fit_epoch`.

    detectors: alike, see `packable`.
    """
    batch_size = detectors[0].parameters.batch_size
    inputs = [one.begin(own) for one, own in zip(detectors, images, strict=True)]
    for detector in detectors:
        detector.begin_epoch()
    device = detectors[0].device
    resident, starts = _resident(inputs, device)
    orders = [
        shuffled_batches(len(own), batch_size, detector.shuffling, device)
        for detector, own in zip(detectors, images, strict=True)
    ]
    waiting = [
        [start + batch for batch in order] for order, start in zip(orders, starts, strict=True)
    ]
    taken = [len(batches) for batches in waiting]
    totals: list[dict[str, Tensor]] = [{} for _ in detectors]
    packed: dict[tuple[int, ...], Pack] = {}
    while any(waiting):
        together = _next_alike(waiting)
        if together not in packed:
            packed[together] = Pack([detectors[member] for member in together])
        places = torch.stack([waiting[member].pop(0) for member in together])
        pixels = resident[places]
        x = detectors[0].see(pixels.flatten(0, 1)).x.view_as(pixels)
        for name, of_all in packed[together].step(x).items():
            for member, value in zip(together, of_all.unbind(), strict=True):
                before = totals[member].get(name)
                totals[member][name] = value if before is None else before + value
    for detector, own in zip(detectors, images, strict=True):
        detector.end_epoch(own)
    return [
        {name: float(total) / count for name, total in of_one.items()}
        for of_one, count in zip(totals, taken, strict=True)
    ]


def _resident(inputs: Sequence[npt.NDArray[Any]], device: torch.device) -> tuple[Tensor, list[int]]:
    """All images, or vectors, on the device, each array once, and where those of each detector
    start."""
    arrays = {id(own): own for own in inputs}
    starts = np.cumsum([0, *(len(own) for own in arrays.values())]).tolist()
    start_of = dict(zip(arrays, starts, strict=False))
    resident = torch.tensor(np.concatenate(list(arrays.values())), device=device)
    return resident, [start_of[id(own)] for own in inputs]


def _next_alike(waiting: Sequence[Sequence[Tensor]]) -> tuple[int, ...]:
    """The members whose next batch is the largest of all.

    The sizes of a member's batches fall, so this takes the fewest steps: those who have smaller
    ones next wait until all are there.
    """
    sizes = {member: len(batches[0]) for member, batches in enumerate(waiting) if batches}
    largest = max(sizes.values())
    return tuple(member for member, own in sizes.items() if own == largest)


_FEWEST = 2


class Pack:
    """Detectors that are alike, see `packable`, for steps on batches of one size.

    To be made again in each epoch, and after anything else has changed a detector.
    """

    def __init__(self, detectors: Sequence[Stepwise]) -> None:
        self.detectors = detectors
        self._networks = detectors[0].networks
        self._names = {
            part: [f"networks.{part}.{name}" for name, _ in network.named_parameters()]
            for part, network in self._networks.items()
        }
        # By part, each weight as K tensors: those of the detectors themselves.
        self._weights: Mapping[str, list[tuple[Tensor, ...]]] = {
            part: list(
                zip(*(detector.networks[part].parameters() for detector in detectors), strict=True)
            )
            for part in self._networks
        }
        self._optimisers = {part: self._joint_optimiser(part) for part in self._networks}

    def step(self, x: Tensor) -> dict[str, Tensor]:
        """One step of each detector on its own batch of x, (K, B, C, H, W); its losses, detached,
        each (K,)."""
        if len(self.detectors) < _FEWEST:
            of_each = [
                detector.step(batch) for detector, batch in zip(self.detectors, x, strict=True)
            ]
            return {name: torch.stack([one[name] for one in of_each]) for name in of_each[0]}
        stacked = {part: self._stack(part) for part in self._networks}
        drawn = [detector.draw(batch) for detector, batch in zip(self.detectors, x, strict=True)]
        handed_on: Sequence[Tensor] = [torch.stack(of_all) for of_all in zip(*drawn, strict=True)]
        losses: dict[str, Tensor] = {}
        for take in self.detectors[0].moves:
            move = self._take(take, stacked, x, handed_on)
            for part in take_gradients(move.minimised, stacked):
                self._move(part, stacked[part])
                stacked[part] = self._stack(part)
            losses |= {name: loss.detach() for name, loss in move.losses.items()}
            handed_on = move.handed_on
        for detector in self.detectors:
            detector.settle()
        return losses

    def _stack(self, part: str) -> list[Tensor]:
        """The weights of a part, each (K, ...)."""
        with torch.no_grad():
            return [torch.stack(of_all).requires_grad_() for of_all in self._weights[part]]

    def _take(
        self,
        take: Callable[..., Move],
        stacked: Mapping[str, Sequence[Tensor]],
        x: Tensor,
        handed_on: Sequence[Tensor],
    ) -> Move:
        """A move of all at once, with the modules of the first and the weights of each."""
        module = _Taken(self._networks, take)
        weights = {
            name: weight
            for part, names in self._names.items()
            for name, weight in zip(names, stacked[part], strict=True)
        }

        def of_one(own: dict[str, Tensor], *batch: Tensor) -> Move:
            with _ConvolvingAsAlone(x.device.type):
                move: Move = functional_call(module, own, batch)
            return move

        moved: Move = torch.vmap(of_one)(weights, x, *handed_on)
        return moved

    def _move(self, part: str, stacked: Sequence[Tensor]) -> None:
        """Give each detector its share of the gradients; the optimisers' steps, all in one."""
        for weight, of_each in zip(stacked, self._weights[part], strict=True):
            assert weight.grad is not None
            for own, gradient in zip(of_each, weight.grad.unbind(), strict=True):
                own.grad = gradient
        self._optimisers[part].step()

    def _joint_optimiser(self, part: str) -> torch.optim.Adam:
        """One over the weights of all, which goes on with, and leaves behind, the state that the
        detectors' own have: the same tensors, each detector's count of steps too."""
        own = [detector.optimisers[part] for detector in self.detectors]
        settings = {key: value for key, value in own[0].param_groups[0].items() if key != "params"}
        weights = [weight for of_each in self._weights[part] for weight in of_each]
        joint = torch.optim.Adam(weights, **settings)
        for of_each in self._weights[part]:
            for weight, optimiser in zip(of_each, own, strict=True):
                joint.state[weight] = optimiser.state[weight]
        return joint


_CONVOLUTIONS = frozenset(
    getattr(torch, f"conv{kind}{dims}d") for kind in ("", "_transpose") for dims in (1, 2, 3)
)


class _ConvolvingAsAlone(TorchFunctionMode):
    """Brings what a convolution is given to the kind that autocast would.

    Under `vmap` a convolution is taken apart before autocast sees it on a CPU: of weights in fp32
    and what a matrix product left in bf16 it then refuses the pair.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        if func in _CONVOLUTIONS and torch.is_autocast_enabled(self._device):
            kind = torch.get_autocast_dtype(self._device)
            args = [_of_kind(kind, each) for each in args]
            kwargs = {name: _of_kind(kind, each) for name, each in (kwargs or {}).items()}
        return func(*args, **(kwargs or {}))


def _of_kind(kind: torch.dtype, given: Any) -> Any:
    return given.to(kind) if isinstance(given, Tensor) else given


class _Taken(nn.Module):
    """A move as a module, for `functional_call`, which puts weights into modules."""

    def __init__(self, networks: nn.Module, take: Callable[..., Move]) -> None:
        super().__init__()
        self.networks, self.take = networks, take

    def forward(self, *batch: Tensor) -> Move:
        return self.take(*batch)
