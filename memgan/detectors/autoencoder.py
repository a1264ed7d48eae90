"""A plain autoencoder of MEMGAN's own networks: what MEMGAN is without memory and adversary."""

from __future__ import annotations

from torch import Tensor, nn

from memgan.config import AutoencoderParameters, RebuilderParameters
from memgan.detectors.parts import losses
from memgan.detectors.parts.networks import Encoder, Generator
from memgan.detectors.parts.rebuilder import Rebuilder


class Autoencoder(Rebuilder):
    """Trained and scored by ‖x − G(E(x))‖₂, MEMGAN's cycle loss and score with P left out."""

    name = "autoencoder"

    @classmethod
    def net(cls, parameters: RebuilderParameters, image_shape: tuple[int, int, int]) -> nn.Module:
        p = parameters
        assert isinstance(p, AutoencoderParameters)
        return nn.Sequential(
            Encoder(image_shape, p.code_dim, p.width), Generator(image_shape, p.code_dim, p.width)
        )

    def _step(self, x: Tensor) -> dict[str, Tensor]:
        cycle = losses.cycle_loss(x, self.parts(x))
        self._update(cycle)
        return {"cycle": cycle.detach()}
