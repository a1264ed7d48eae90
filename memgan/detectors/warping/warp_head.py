"""The self-supervised part of MEMGAN plus: a network that names an image's transformation."""

from __future__ import annotations

import torch
from torch import Tensor

from memgan.config import MemganPlusParameters
from memgan.detectors.parts.networks import to_signed
from memgan.detectors.parts.weights import kept
from memgan.detectors.warping.naming import Lessons, Naming
from memgan.detectors.warping.warps import (
    WarpNet,
    one_cycle,
    surprise,
    warp_count,
    warp_grids,
    warp_matrices,
    warped,
)

_DECAY = 1e-4


class WarpHead(Naming):
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
        p = parameters
        matrices = warp_matrices(p.warps, p.warp_count)
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            net = WarpNet(image_shape, len(matrices), p.warp_width)
        lessons = Lessons(
            p.epochs, p.warp_passes, p.warp_batch_size, p.warp_learning_rate, decay=_DECAY
        )
        super().__init__(net, lessons, kinds=len(matrices), seed=seed, device=device)
        self.mirrored = p.warp_mirrored
        self.register_buffer("grids", warp_grids(matrices, image_shape), persistent=False)
        self.to(device)

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[0]  # Not len(x), which torch's tracer would take for a constant.
        of_each = [
            surprise(self.net(self._warp(x, grid.expand(count, -1, -1, -1))), which)
            for which, grid in enumerate(self.grids)
        ]
        return torch.stack(of_each).sum(dim=0)

    def seen(self, pixels: Tensor) -> Tensor:
        return to_signed(pixels)

    def changed(self, x: Tensor, kinds: Tensor) -> Tensor:
        return self._warp(x, self.grids[kinds])

    def rate_share(self, done: float) -> float:
        return one_cycle(done)

    def drawn_for(self, count: int) -> Tensor:
        return torch.rand(count, generator=self.drawing) < 0.5

    def varied(self, x: Tensor, drawn: Tensor) -> Tensor:
        if not self.mirrored:
            return x
        return torch.where(drawn.to(self.device).view(-1, 1, 1, 1), x.flip(3), x)

    def _warp(self, x: Tensor, grids: Tensor) -> Tensor:
        return warped(x, grids).contiguous(memory_format=torch.channels_last)


def weight_count(parameters: MemganPlusParameters, image_shape: tuple[int, int, int]) -> int:
    """How many values `WarpHead.scoring_state` holds, found without the memory for them."""
    count = warp_count(parameters.warps, parameters.warp_count)
    with torch.device("meta"):
        net = WarpNet(image_shape, count, parameters.warp_width)
    return sum(value.numel() for value in kept(net).values())
