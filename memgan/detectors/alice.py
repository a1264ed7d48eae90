"""ALICE (arXiv 1709.01215): what MEMGAN is without its memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import AliceParameters, DetectorParameters
from memgan.detectors.autoencoder import Autoencoder
from memgan.detectors.look import GameLook, Look
from memgan.detectors.parts import losses
from memgan.detectors.parts.networks import Discriminator, initialise
from memgan.detectors.parts.stepwise import Move


class Alice(Autoencoder):
    """An autoencoder whose pairs (x, E(x)) a joint discriminator shall not tell from (G(z), z),
    z ~ N(0, I): MEMGAN's games and cycle loss with P left out, scored by ‖x − G(E(x))‖₂."""

    name = "alice"
    parts: nn.Sequential

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, AliceParameters)
        self.parameters: AliceParameters = parameters
        p = parameters
        self.adversarial_weight = p.adversarial_weight
        self.sampling = torch.Generator(self.device).manual_seed(self.seed + 1)
        with torch.random.fork_rng(devices=[]):
            discriminator = Discriminator(self.seen_shape, p.code_dim, p.width)
        initialise(discriminator, torch.Generator().manual_seed(self.seed + 3))
        self.discriminator = discriminator.to(self.device)
        self.networks["discriminator"] = self.discriminator
        self.optimisers["discriminator"] = self.adam(self.discriminator)

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        """D first, then E and G from one common point, as in MEMGAN's Algorithm 1."""
        return self._move_discriminator, self._move_others

    def draw(self, x: Tensor) -> tuple[Tensor]:
        shape = len(x), self.parameters.code_dim
        return (torch.randn(shape, generator=self.sampling, device=self.device).to(x.dtype),)

    def _move_discriminator(self, x: Tensor, z: Tensor) -> Move:
        encoder, generator = self.parts
        code, generated = encoder(x), generator(z)
        game_of_d = losses.discriminator_loss(
            *self.discriminator.judge(x, code.detach(), generated.detach(), z)
        )
        return Move(
            minimised={("discriminator",): game_of_d},
            losses={"discriminator": game_of_d},
            handed_on=(code, z, generated),
        )

    def _move_others(self, x: Tensor, code: Tensor, z: Tensor, generated: Tensor) -> Move:
        _, generator = self.parts
        encoded_logits, generated_logits = self.discriminator.judge(x, code, generated, z)
        game_of_e = losses.encoder_game_loss(encoded_logits)
        game_of_g = losses.generator_game_loss(generated_logits)
        cycle = losses.cycle_loss(x, generator(code))
        return Move(
            minimised={("net",): cycle + self.adversarial_weight * (game_of_e + game_of_g)},
            losses={"cycle": cycle, "encoder_game": game_of_e, "generator_game": game_of_g},
        )

    def look_at(self, x: Tensor) -> Look:
        encoder, generator = self.parts
        own = torch.Generator(self.device).manual_seed(self.seed + 5)
        z = torch.randn((len(x), self.parameters.code_dim), generator=own, device=self.device)
        code, z = encoder(x), z.to(x.dtype)
        logits = self.discriminator.judge(x, code, generator(z), z)
        return Look(x, generator(code), game=GameLook(code, z, *logits))

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimiser_of_d": self.optimisers["discriminator"].state_dict(),
            "sampling": self.sampling.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimisers["discriminator"].load_state_dict(state["optimiser_of_d"])
        self.sampling.set_state(state["sampling"])
