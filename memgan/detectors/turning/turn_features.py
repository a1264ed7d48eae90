"""The first stage: features by naming turns. Trained on the images of the normal class only."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import MemganTurnsParameters
from memgan.data import Pixels
from memgan.detectors.parts.batches import batch_count, in_batches
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.networks import to_signed
from memgan.detectors.parts.weights import kept
from memgan.detectors.turning.turn_net import TurnNet
from memgan.detectors.turning.turns import TURNS, each_turned, jittered, turned
from memgan.detectors.vectors.standardised import Floats
from memgan.detectors.warping.warps import start
from memgan.features import resizing

_DECAY = 1e-3
_WARM = 0.2
_MOST_HELD = 4
"""Sets of images whose features are remembered: in each epoch the same are scored."""


class TurnFeatures(nn.Module):
    """Images uint8 (N, C, H, W) to vectors float32 (N, p): of each of the four quarter turns of an
    image what the network's head sees, at unit length, one behind the other.

    Images that are not square, or not of `net_size`, are resized first.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self,
        parameters: MemganTurnsParameters,
        *,
        image_shape: tuple[int, int, int],
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.settings = p = parameters
        self.device = device
        channels, height, width = image_shape
        side = p.net_size or max(height, width)
        self.resized = (height, width) != (side, side)
        self.register_buffer("rows", resizing(height, side), persistent=False)
        columns = resizing(width, side).T.contiguous()
        self.register_buffer("columns", columns, persistent=False)
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            self.net = TurnNet(channels, p.net_width)
        start(self.net, torch.Generator().manual_seed(seed + 3))
        self.count = TURNS * self.net.count
        self.drawing = torch.Generator().manual_seed(seed + 4)
        self.to(device)
        self.net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=p.net_learning_rate, weight_decay=_DECAY, fused=True
        )
        self.steps = 0
        self.holds = False
        self._held: dict[str, Floats] = {}

    def forward(self, images: Tensor) -> Tensor:
        x = self._seen(images)
        units = [F.normalize(self.net.features(turned(x, k)), dim=1) for k in range(TURNS)]
        return torch.cat(units, dim=1)

    def of(self, images: Pixels) -> Floats:
        """What the network makes of any number of images; of those that came last, while `holds`,
        it is remembered until the network changes."""
        if not self.holds:
            return self._computed(images)
        name = hashlib.blake2b(np.ascontiguousarray(images).data).hexdigest()
        if name not in self._held:
            while len(self._held) >= _MOST_HELD:
                self._held.pop(next(iter(self._held)))
            self._held[name] = self._computed(images)
        return self._held[name]

    def _computed(self, images: Pixels) -> Floats:
        self.net.eval()
        found: Floats = in_batches(self, images, self.device)
        return found

    def forget(self) -> None:
        """The network has changed."""
        self._held.clear()

    def surprise(self, images: Tensor) -> Tensor:
        """Σₖ −log p(k | image after k turns), float64 (B,): how surely the network fails to name
        the turns."""
        x = self._seen(images)
        logits = (self.net(turned(x, k)).to(torch.float64) for k in range(TURNS))
        of_each = [-F.log_softmax(found, dim=1)[:, k] for k, found in enumerate(logits)]
        return torch.stack(of_each).sum(dim=0)

    def fit_epoch(self, images: Pixels) -> float:
        """`net_passes` passes over images uint8 (N, C, H, W), N at least 2, each image by one
        random turn a pass. Returns the mean cross entropy."""
        p = self.settings
        self.forget()
        self.net.train()
        resident = torch.tensor(images, device=self.device)
        batches = batch_count(len(images), p.net_batch_size)
        whole = p.net_epochs * p.net_passes * batches
        total = torch.zeros((), device=self.device)
        for _ in range(p.net_passes):
            order = torch.randperm(len(images), generator=self.drawing)
            which = torch.randint(TURNS, (len(images),), generator=self.drawing)
            for batch in order.tensor_split(batches):
                for group in self.optimiser.param_groups:
                    group["lr"] = p.net_learning_rate * rate_share(self.steps / whole)
                x = jittered(self._seen(resident[batch.to(self.device)]), self.drawing)
                total += self._step(x, which[batch].to(self.device))
                self.steps += 1
        return float(total) / (p.net_passes * batches)

    def _step(self, x: Tensor, which: Tensor) -> Tensor:
        shown = each_turned(x, which).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(self.net(shown), which)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach()

    def _seen(self, images: Tensor) -> Tensor:
        """uint8 (B, C, H, W) as float32 (B, C, S, S) in [−1, 1]."""
        if not self.resized:
            return to_signed(images)
        # Two products with fixed matrices: the same in torch and in ONNX.
        return to_signed(self.rows @ images.to(torch.float32) @ self.columns)

    def prepare_to_score(self, images: Pixels) -> None:
        """BatchNorm statistics gathered again, each image by the next turn in order."""
        self.forget()
        renew_statistics(self.net, self._each_turned(images))

    def _each_turned(self, images: Pixels) -> Iterator[Tensor]:
        seen = 0
        for pixels in even_batches(images, self.device):
            which = (seen + torch.arange(len(pixels), device=self.device)) % TURNS
            yield each_turned(self._seen(pixels), which)
            seen += len(pixels)

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
        self.forget()
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.drawing.set_state(state["drawing"])
        self.steps = state["steps"]

    def scoring_state(self) -> dict[str, Tensor]:
        """What scoring needs, by name; the tensors themselves."""
        return kept(self.net)


def rate_share(done: float) -> float:
    """Share of the peak learning rate when a share `done` of all steps is done: up a line over the
    first fifth, down a cosine over the rest, and a thousandth after the end."""
    if done < _WARM:
        return 0.02 + 0.98 * done / _WARM
    return max(1e-3, (1 + math.cos(math.pi * min(1.0, (done - _WARM) / (1 - _WARM)))) / 2)
