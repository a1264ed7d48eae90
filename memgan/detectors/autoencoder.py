"""A plain autoencoder of MEMGAN's own networks: what MEMGAN is without memory and adversary."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from memgan.detectors import losses
from memgan.detectors.networks import Encoder, Generator, initialise
from memgan.detectors.rebuilder import Rebuilder
from memgan.parameters import AutoencoderParameters


class Autoencoder(Rebuilder):
    """Trained and scored by ‖x − G(E(x))‖₂, MEMGAN's cycle loss and score with P left out."""

    name = "autoencoder"

    def _make_parts(self, generator: torch.Generator) -> nn.Module:
        p = self.parameters
        assert isinstance(p, AutoencoderParameters)
        parts = nn.Sequential(
            Encoder(self.image_shape, p.code_dim, p.width),
            Generator(self.image_shape, p.code_dim, p.width),
        )
        initialise(parts, generator)
        return parts

    def _step(self, x: Tensor) -> dict[str, Tensor]:
        cycle = losses.cycle_loss(x, self.parts(x))
        self._update(cycle)
        return {"cycle": cycle.detach()}
