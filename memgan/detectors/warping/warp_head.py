"""The self-supervised part of MEMGAN plus: a network that names an image's transformation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import MemganPlusParameters
from memgan.data import Pixels
from memgan.detectors.parts.batches import batch_count
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.networks import to_signed
from memgan.detectors.parts.weights import kept
from memgan.detectors.warping.warps import (
    WarpNet,
    one_cycle,
    start,
    surprise,
    warp_count,
    warp_grids,
    warp_matrices,
    warped,
)

_DECAY = 1e-4


class WarpHead(nn.Module):
    """images (B, C, H, W) in [−1, 1] → Σₖ −log p(k | tₖ(x)), float64 (B,), over all
    transformations tₖ: how surely the network fails to name what was done to an image."""

    grids: Tensor

    def __init__(
        self,
        parameters: MemganPlusParameters,
        *,
        image_shape: tuple[int, int, int],
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.settings = p = parameters
        self.device = device
        matrices = warp_matrices(p.warps, p.warp_count)
        self.register_buffer("grids", warp_grids(matrices, image_shape), persistent=False)
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            self.net = WarpNet(image_shape, len(matrices), p.warp_width)
        start(self.net, torch.Generator().manual_seed(seed + 3))
        self.drawing = torch.Generator().manual_seed(seed + 4)
        self.to(device)
        self.net.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=p.warp_learning_rate, weight_decay=_DECAY, fused=True
        )
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[0]  # Not len(x), which torch's tracer would take for a constant.
        of_each = [
            surprise(self.net(self._warp(x, grid.expand(count, -1, -1, -1))), which)
            for which, grid in enumerate(self.grids)
        ]
        return torch.stack(of_each).sum(dim=0)

    def fit_epoch(self, images: Pixels) -> float:
        """`warp_passes` passes over images uint8 (N, C, H, W), N at least 2, each image by one
        random transformation a pass. Returns the mean cross entropy."""
        p = self.settings
        self.net.train()
        resident = torch.tensor(images, device=self.device)
        batches = batch_count(len(images), p.warp_batch_size)
        whole = p.epochs * p.warp_passes * batches
        total = torch.zeros((), device=self.device)
        for _ in range(p.warp_passes):
            order = torch.randperm(len(images), generator=self.drawing)
            which = torch.randint(len(self.grids), (len(images),), generator=self.drawing)
            turned = torch.rand(len(images), generator=self.drawing) < 0.5
            for batch in order.tensor_split(batches):
                rate = p.warp_learning_rate * one_cycle(self.steps / whole)
                for group in self.optimiser.param_groups:
                    group["lr"] = rate
                x = to_signed(resident[batch.to(self.device)])
                if p.warp_mirrored:
                    mirrored = turned[batch].to(self.device).view(-1, 1, 1, 1)
                    x = torch.where(mirrored, x.flip(3), x)
                total += self._step(x, which[batch].to(self.device))
                self.steps += 1
        return float(total) / (p.warp_passes * batches)

    def _step(self, x: Tensor, which: Tensor) -> Tensor:
        loss = F.cross_entropy(self.net(self._warp(x, self.grids[which])), which)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach()

    def _warp(self, x: Tensor, grids: Tensor) -> Tensor:
        return warped(x, grids).contiguous(memory_format=torch.channels_last)

    def prepare_to_score(self, images: Pixels) -> None:
        """BatchNorm statistics gathered again, each image by the next transformation in turn."""
        renew_statistics(self.net, self._each_turned(images))

    def _each_turned(self, images: Pixels) -> Iterator[Tensor]:
        seen = 0
        for pixels in even_batches(images, self.device):
            which = (seen + torch.arange(len(pixels), device=self.device)) % len(self.grids)
            yield self._warp(to_signed(pixels), self.grids[which])
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
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.drawing.set_state(state["drawing"])
        self.steps = state["steps"]

    def scoring_state(self) -> dict[str, Tensor]:
        """What scoring needs, by name; the tensors themselves."""
        return kept(self.net)


def weight_count(parameters: MemganPlusParameters, image_shape: tuple[int, int, int]) -> int:
    """How many values `WarpHead.scoring_state` holds, found without the memory for them."""
    count = warp_count(parameters.warps, parameters.warp_count)
    with torch.device("meta"):
        net = WarpNet(image_shape, count, parameters.warp_width)
    return sum(value.numel() for value in kept(net).values())
