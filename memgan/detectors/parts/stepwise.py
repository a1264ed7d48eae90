"""Detectors that train by gradient: what one step does is stated once, for one or for many.

A step is one move or several. A move is a function of a batch and of what the move before it
handed on; it computes losses with the networks and says which parts each of them trains. It writes
nothing and draws nothing, so that it can be run for one detector, or by `torch.vmap` for many
whose weights lie stacked (`memgan.training`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, OnFeatures
from memgan.data import Pixels
from memgan.detectors.base import Detector
from memgan.detectors.parts.contrast import Seen, see
from memgan.detectors.parts.epochs import mean_losses
from memgan.detectors.vectors.standardised import Standardised, VectorSource
from memgan.features import Extractor


class Move(NamedTuple):
    """What a move gives: losses, what they train, and what the next move takes."""

    minimised: dict[tuple[str, ...], Tensor]
    """By names of parts: the loss that trains these parts and no others, one number. All gradients
    are taken at one common point; then the parts move."""
    losses: dict[str, Tensor]
    """What is reported, one number each, by name."""
    handed_on: tuple[Tensor, ...] = ()
    """Given to the next move after the batch, in this order. Gradients flow through it."""


class SteppedParameters(Protocol):
    """What a step reads of a detector's parameters."""

    @property
    def batch_size(self) -> int:
        """Images a step, at most."""


class Stepwise(Detector):
    """A detector that is trained by moves."""

    parameters: SteppedParameters
    networks: nn.ModuleDict
    """Its parts, all that is trained, by name. Moves reach weights only through these modules."""
    optimisers: dict[str, torch.optim.Adam]
    """One for each part, by the same names; parts move in this order."""
    shuffling: torch.Generator
    epoch: int
    vectors: Standardised | None = None
    """What makes vectors of images, where its networks see these in place of pixels."""

    def see_by(self, parameters: DetectorParameters, source: VectorSource | None = None) -> None:
        """Let its networks see vectors by this source, or by the frozen network that the parameters
        name; pixels where there is neither."""
        features = parameters.features if isinstance(parameters, OnFeatures) else None
        if features is not None:
            source = self.extractor = Extractor(features, self.image_shape, device=self.device)
        if source is not None:
            self.vectors = Standardised(source, self.device)

    @property
    def seen_shape(self) -> tuple[int, ...]:
        """The shape of one x: (C, H, W), or (p,) of vectors."""
        return self.image_shape if self.vectors is None else (self.vectors.source.count,)

    def inputs(self, images: Pixels) -> npt.NDArray[Any]:
        """What `see` takes: the images, or their vectors, float32 (N, p)."""
        return images if self.vectors is None else self.vectors.rows(images)

    def learned_anew(self) -> None:
        """What vectors are standardised by has been put in place from outside."""
        if self.vectors is not None:
            self.vectors.forget()

    def begin(self, images: Pixels) -> npt.NDArray[Any]:
        """`inputs` of the training images, before an epoch; in the first one what all vectors are
        standardised by is taken from them."""
        if self.vectors is None:
            return images
        if not self.epoch:
            self.vectors.learn(images)
        return self.vectors.rows(images, keep=True)

    @property
    @abstractmethod
    def moves(self) -> Sequence[Callable[..., Move]]:
        """The moves of one step, in order, each of (x, *handed on). x: a batch as the networks see
        it, (B, C, H, W), or (B, p) of vectors."""

    def draw(self, x: Tensor) -> tuple[Tensor, ...]:
        """Random numbers for a step on this batch, from the detector's own generators; the first
        move is given them after x."""
        return ()

    @abstractmethod
    def begin_epoch(self) -> None:
        """Count the epoch, set the rates that hold in it, and make the networks train."""

    def end_epoch(self, images: Pixels) -> None:
        """What is to be done once all steps of an epoch are taken, with the images it was on."""

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        inputs = self.begin(images)
        self.begin_epoch()
        found = mean_losses(
            inputs,
            lambda pixels: self.step(self.see(pixels).x),
            batch_size=self.parameters.batch_size,
            shuffling=self.shuffling,
            device=self.device,
        )
        self.end_epoch(images)
        return found

    def step(self, x: Tensor) -> dict[str, Tensor]:
        """All moves on one batch; the losses, detached."""
        weights = {name: list(part.parameters()) for name, part in self.networks.items()}
        losses: dict[str, Tensor] = {}
        handed_on = self.draw(x)
        for take in self.moves:
            move = take(x, *handed_on)
            for part in take_gradients(move.minimised, weights):
                self.optimisers[part].step()
            losses |= {name: loss.detach() for name, loss in move.losses.items()}
            handed_on = move.handed_on
        self.settle()
        return losses

    def settle(self) -> None:
        """What follows each step without gradients: averages of weights, say. Of this detector
        only, as it is called for each of those that are trained as one."""

    def see(self, pixels: Tensor) -> Seen:
        """`inputs`, as a tensor, as the networks see them."""
        if self.vectors is not None:
            return Seen(pixels)
        # Of parameters whose images are always vectors there is no such key.
        normalised = getattr(self.parameters, "contrast_normalised", False)
        return see(pixels, contrast_normalised=normalised)


def seen_at_least(
    parameters: DetectorParameters, image_shape: tuple[int, int, int]
) -> tuple[int, ...]:
    """The shape of one x; of vectors, whose length the frozen network decides, the least."""
    through = isinstance(parameters, OnFeatures) and parameters.features is not None
    return (1,) if through else image_shape


def take_gradients(
    minimised: Mapping[tuple[str, ...], Tensor], weights: Mapping[str, Sequence[Tensor]]
) -> list[str]:
    """Leave in the weights of each part the gradient of the loss that trains it; the parts that
    have one now, in the order of `weights`.

    A loss of many detectors, (K,), is summed: none depends on the weights of another.
    """
    trained = {part for parts in minimised for part in parts}
    for part in trained:
        for weight in weights[part]:
            weight.grad = None
    for number, (parts, loss) in enumerate(minimised.items(), start=1):
        torch.autograd.backward(
            loss.sum(),
            inputs=[weight for part in parts for weight in weights[part]],
            retain_graph=number < len(minimised),
        )
    return [part for part in weights if part in trained]
