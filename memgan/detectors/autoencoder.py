"""A plain autoencoder of MEMGAN's own networks: what MEMGAN is without memory and adversary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from memgan.config import AutoencoderParameters, RebuilderParameters
from memgan.detectors.parts import losses
from memgan.detectors.parts.networks import encoder_of, generator_of
from memgan.detectors.parts.rebuilder import Rebuilder
from memgan.detectors.parts.stepwise import Move


class Autoencoder(Rebuilder):
    """Trained and scored by ‖x − G(E(x))‖₂, MEMGAN's cycle loss and score with P left out."""

    name = "autoencoder"

    @classmethod
    def net(cls, parameters: RebuilderParameters, shape: tuple[int, ...]) -> nn.Module:
        p = parameters
        assert isinstance(p, AutoencoderParameters)
        return nn.Sequential(
            encoder_of(shape, p.code_dim, p.width), generator_of(shape, p.code_dim, p.width)
        )

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        return (self._move,)

    def _move(self, x: Tensor) -> Move:
        cycle = losses.cycle_loss(x, self.parts(x))
        return Move({("net",): cycle}, {"cycle": cycle})
