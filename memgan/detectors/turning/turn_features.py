"""The first stage: features by naming turns. Trained on the images of the normal class only."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from memgan.config import MemganTurnsParameters
from memgan.data import Pixels
from memgan.detectors.parts.batches import in_batches
from memgan.detectors.parts.networks import to_signed
from memgan.detectors.turning.turn_net import TurnNet
from memgan.detectors.turning.turns import TURNS, each_turned, jittered, turned
from memgan.detectors.vectors.standardised import Floats
from memgan.detectors.warping.naming import Lessons, Naming
from memgan.features import resizing

_DECAY = 1e-3
_WARM = 0.2
_MOST_HELD = 4
"""Sets of images whose features are remembered: in each epoch the same are scored."""


class TurnFeatures(Naming):
    """Images uint8 (N, C, H, W) to vectors float32 (N, p): of each of the four quarter turns of an
    image what the network's head sees, at unit length, one behind the other.

    Images that are not square, or not of `net_size`, are resized first.
    """

    net: TurnNet
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
        p = parameters
        channels, height, width = image_shape
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            net = TurnNet(channels, p.net_width)
        lessons = Lessons(
            p.net_epochs, p.net_passes, p.net_batch_size, p.net_learning_rate, decay=_DECAY
        )
        super().__init__(net, lessons, kinds=TURNS, seed=seed, device=device)
        self.count = TURNS * net.count
        side = p.net_size or max(height, width)
        self.resized = (height, width) != (side, side)
        self.register_buffer("rows", resizing(height, side), persistent=False)
        columns = resizing(width, side).T.contiguous()
        self.register_buffer("columns", columns, persistent=False)
        self.to(device)
        self.holds = False
        self._held: dict[str, Floats] = {}

    def forward(self, images: Tensor) -> Tensor:
        x = self.seen(images)
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
        x = self.seen(images)
        logits = (self.net(turned(x, k)).to(torch.float64) for k in range(TURNS))
        of_each = [-F.log_softmax(found, dim=1)[:, k] for k, found in enumerate(logits)]
        return torch.stack(of_each).sum(dim=0)

    def seen(self, pixels: Tensor) -> Tensor:
        """uint8 (B, C, H, W) as float32 (B, C, S, S) in [−1, 1]."""
        if not self.resized:
            return to_signed(pixels)
        # Two products with fixed matrices: the same in torch and in ONNX.
        return to_signed(self.rows @ pixels.to(torch.float32) @ self.columns)

    def changed(self, x: Tensor, kinds: Tensor) -> Tensor:
        return each_turned(x, kinds)

    def varied(self, x: Tensor, drawn: Tensor) -> Tensor:
        return jittered(x, self.drawing)

    def rate_share(self, done: float) -> float:
        return rate_share(done)

    def fit_epoch(self, images: Pixels) -> float:
        self.forget()
        return super().fit_epoch(images)

    def prepare_to_score(self, images: Pixels) -> None:
        self.forget()
        super().prepare_to_score(images)

    def load_training_state(self, state: Mapping[str, Any]) -> None:
        self.forget()
        super().load_training_state(state)


def rate_share(done: float) -> float:
    """Share of the peak learning rate when a share `done` of all steps is done: up a line over the
    first fifth, down a cosine over the rest, and a thousandth after the end."""
    if done < _WARM:
        return 0.02 + 0.98 * done / _WARM
    return max(1e-3, (1 + math.cos(math.pi * min(1.0, (done - _WARM) / (1 - _WARM)))) / 2)
