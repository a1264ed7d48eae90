"""MEMGAN plus: MEMGAN's residual and a self-supervised head's surprise, joined in one score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, MemganPlusParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Detector, Rebuilt
from memgan.detectors.look import Look
from memgan.detectors.memgan import Memgan
from memgan.detectors.parts.batches import in_batches
from memgan.detectors.parts.networks import to_signed
from memgan.detectors.parts.weights import copied, take_weights
from memgan.detectors.warping.warp_head import WarpHead, weight_count

_HELD_OUT = 20
"""One training image in so many is learned from by no part: what the parts' spreads are from."""
_FEWEST = 5
"""Of held-out images; where there would be fewer, the spreads are from all training images."""
_RESIDUAL, _SURPRISE = 0, 1


class MemganPlus(Detector):
    """A(x) = w_r · ‖x − G(P(E(x)))‖₂ / σ_r + w_s · Σₖ −log p(k | tₖ(x)) / σ_s, the σ standard
    deviations over held-out normal images. A part whose weight is 0 is not made at all."""

    name = "memgan-plus"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, MemganPlusParameters)
        self.parameters = p = parameters
        self.memgan = Memgan(p, **arguments) if p.residual_weight else None
        self.head = WarpHead(p, **arguments) if p.surprise_weight else None
        self.spreads = torch.ones(2, dtype=torch.float64, device=self.device)

    def change(self, parameters: DetectorParameters) -> None:
        assert isinstance(parameters, MemganPlusParameters)
        self.parameters = parameters
        if self.memgan:  # All that may change is MEMGAN's.
            self.memgan.change(parameters)

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        learned, _ = self._divided(images)
        losses = self.memgan.fit_epoch(learned) if self.memgan else {}
        return {**losses, **({"warps": self.head.fit_epoch(learned)} if self.head else {})}

    def prepare_to_score(self, images: Pixels) -> None:
        learned, held_out = self._divided(images)
        if self.memgan:
            self.memgan.prepare_to_score(learned)
            self._spread(_RESIDUAL, self.memgan.score(held_out))
        if self.head:
            self.head.prepare_to_score(learned)
            self._spread(_SURPRISE, self._surprises(held_out))

    def _divided(self, images: Pixels) -> tuple[Pixels, Pixels]:
        """What is learned from, and what is not; the same images always."""
        if len(images) < _HELD_OUT * _FEWEST:
            return images, images
        order = np.random.default_rng(self.seed).permutation(len(images))
        cut = len(images) // _HELD_OUT
        return images[np.sort(order[cut:])], images[np.sort(order[:cut])]

    def _spread(self, part: int, scores: Scores) -> None:
        self.spreads[part] = max(float(scores.std()), 1e-6)

    def _surprises(self, images: Pixels) -> Scores:
        assert self.head
        head = self.head.eval()
        return in_batches(lambda pixels: head(to_signed(pixels)), images, self.device)

    def score(self, images: Pixels) -> Scores:
        p, (residual, surprise) = self.parameters, self.spreads.tolist()
        scores = np.zeros(len(images))
        if self.memgan:
            scores += p.residual_weight * self.memgan.score(images) / residual
        if self.head:
            scores += p.surprise_weight * self._surprises(images) / surprise
        return scores

    def rebuild(self, images: Pixels) -> Rebuilt | None:
        return self.memgan.rebuild(images) if self.memgan else None

    def look(self, images: Pixels) -> Look | None:
        return self.memgan.look(images) if self.memgan else None

    def scorer(self) -> nn.Module:
        residual = self.memgan.scorer() if self.memgan else None
        return _Scorer(self.parameters, residual, self.head, self.spreads).eval()

    def state_dict(self) -> dict[str, Any]:
        return {
            "memgan": self.memgan.state_dict() if self.memgan else {},
            "head": self.head.training_state() if self.head else {},
            "spreads": self.spreads,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if self.memgan:
            self.memgan.load_state_dict(state["memgan"])
        if self.head:
            self.head.load_training_state(state["head"])
        self.spreads.copy_(state["spreads"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, MemganPlusParameters)
        p = parameters
        of_memgan = Memgan.weight_count(p, image_shape) if p.residual_weight else 0
        of_head = weight_count(p, image_shape) if p.surprise_weight else 0
        return of_memgan + of_head + 2

    def weights(self) -> dict[str, Tensor]:
        return copied(self._scoring_state())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        take_weights(weights, self._scoring_state())

    def _scoring_state(self) -> dict[str, Tensor]:
        parts = {
            "memgan": self.memgan.scoring_state() if self.memgan else {},
            "head": self.head.scoring_state() if self.head else {},
        }
        named = {f"{part}.{name}": v for part, state in parts.items() for name, v in state.items()}
        return {**named, "spreads": self.spreads}


class _Scorer(nn.Module):
    spreads: Tensor

    def __init__(
        self,
        parameters: MemganPlusParameters,
        residual: nn.Module | None,
        head: nn.Module | None,
        spreads: Tensor,
    ) -> None:
        super().__init__()
        self.weights = parameters.residual_weight, parameters.surprise_weight
        self.residual, self.head = residual, head
        self.register_buffer("spreads", spreads)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        of_residual, of_surprise = self.weights
        scores: list[Tensor] = []
        rebuilt: list[Tensor] = []
        if self.residual is not None:
            distances, *rebuilt = self.residual(images)
            scores.append(of_residual * distances / self.spreads[_RESIDUAL])
        if self.head is not None:
            surprises = self.head(to_signed(images))
            scores.append(of_surprise * surprises / self.spreads[_SURPRISE])
        return torch.stack(scores).sum(dim=0), *rebuilt
