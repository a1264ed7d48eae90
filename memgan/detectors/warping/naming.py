"""A network that learns to name what was done to an image: the self-supervised part that detectors
share, whatever is done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.data import Pixels
from memgan.detectors.parts.batches import batch_count
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.weights import kept
from memgan.detectors.warping.warps import start


@dataclass(frozen=True)
class Lessons:
    """How a network is trained to name: `epochs` epochs in all, of `passes` passes each."""

    epochs: int
    passes: int
    batch_size: int
    learning_rate: float
    """The highest, see `Naming.rate_share`."""
    decay: float
    """AdamW's, of the weights."""


class Naming(nn.Module):
    """Trained on the images of the normal class only, by cross entropy over the kinds.

    net: images (B, C, H, W) to logits (B, kinds). seed: of the detector.
    """

    def __init__(
        self, net: nn.Module, lessons: Lessons, *, kinds: int, seed: int, device: torch.device
    ) -> None:
        super().__init__()
        self.net, self.lessons, self.kinds, self.device = net, lessons, kinds, device
        start(net, torch.Generator().manual_seed(seed + 3))
        self.drawing = torch.Generator().manual_seed(seed + 4)
        net.to(device)
        net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(
            net.parameters(), lr=lessons.learning_rate, weight_decay=lessons.decay, fused=True
        )
        self.steps = 0

    @abstractmethod
    def seen(self, pixels: Tensor) -> Tensor:
        """uint8 (B, C, H, W) as the network is given them, in [−1, 1]."""

    @abstractmethod
    def changed(self, x: Tensor, kinds: Tensor) -> Tensor:
        """Each image of x, changed as its kind, (B,), says."""

    @abstractmethod
    def rate_share(self, done: float) -> float:
        """Share of the learning rate when a share `done` of all steps is done."""

    def drawn_for(self, count: int) -> Tensor:
        """What is drawn for each of `count` images at the start of a pass, (N, …)."""
        return torch.empty(count)

    def varied(self, x: Tensor, drawn: Tensor) -> Tensor:
        """Images as they are learned from: changed in ways that are not to be named. drawn: of
        `drawn_for`."""
        return x

    def fit_epoch(self, images: Pixels) -> float:
        """`passes` passes over images uint8 (N, C, H, W), N at least 2, each image changed by one
        random kind a pass. Returns the mean cross entropy."""
        lessons = self.lessons
        self.net.train()
        resident = torch.tensor(images, device=self.device)
        batches = batch_count(len(images), lessons.batch_size)
        whole = lessons.epochs * lessons.passes * batches
        total = torch.zeros((), device=self.device)
        for _ in range(lessons.passes):
            order = torch.randperm(len(images), generator=self.drawing)
            kinds = torch.randint(self.kinds, (len(images),), generator=self.drawing)
            drawn = self.drawn_for(len(images))
            for batch in order.tensor_split(batches):
                for group in self.optimiser.param_groups:
                    group["lr"] = lessons.learning_rate * self.rate_share(self.steps / whole)
                x = self.seen(resident[batch.to(self.device)])
                total += self._step(self.varied(x, drawn[batch]), kinds[batch].to(self.device))
                self.steps += 1
        return float(total) / (lessons.passes * batches)

    def _step(self, x: Tensor, kinds: Tensor) -> Tensor:
        shown = self.changed(x, kinds).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(self.net(shown), kinds)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach()

    def prepare_to_score(self, images: Pixels) -> None:
        """BatchNorm statistics gathered again, each image changed by the next kind in turn."""
        renew_statistics(self.net, self._each_changed(images))

    def _each_changed(self, images: Pixels) -> Iterator[Tensor]:
        before = 0
        for pixels in even_batches(images, self.device):
            kinds = (before + torch.arange(len(pixels), device=self.device)) % self.kinds
            yield self.changed(self.seen(pixels), kinds)
            before += len(pixels)

    def training_state(self) -> dict[str, Any]:
        """All that is needed to go on exactly."""
        return {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "drawing": self.drawing.get_state(),
            "steps": self.steps,
        }

    def load_training_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a `training_state`."""
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.drawing.set_state(state["drawing"])
        self.steps = state["steps"]

    def scoring_state(self) -> dict[str, Tensor]:
        """What scoring needs, by name; the tensors themselves."""
        return kept(self.net)
