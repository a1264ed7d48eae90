"""ALICE (arXiv 1709.01215): what MEMGAN is without its memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import AliceParameters, DetectorParameters
from memgan.detectors.autoencoder import Autoencoder
from memgan.detectors.parts import losses
from memgan.detectors.parts.networks import Discriminator, initialise


class Alice(Autoencoder):
    """An autoencoder whose pairs (x, E(x)) a joint discriminator shall not tell from (G(z), z),
    z ~ N(0, I): MEMGAN's games and cycle loss with P left out, scored by ‖x − G(E(x))‖₂."""

    name = "alice"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, AliceParameters)
        p = parameters
        self.adversarial_weight = p.adversarial_weight
        self.sampling = torch.Generator(self.device).manual_seed(self.seed + 1)
        with torch.random.fork_rng(devices=[]):
            discriminator = Discriminator(self.image_shape, p.code_dim, p.width)
        initialise(discriminator, torch.Generator().manual_seed(self.seed + 3))
        self.discriminator = discriminator.to(self.device)
        self.optimiser_of_d = self.adam(self.discriminator)

    def _step(self, x: Tensor) -> dict[str, Tensor]:
        """D first, then E and G from one common point, as in MEMGAN's Algorithm 1."""
        assert isinstance(self.parts, nn.Sequential)
        encoder, generator = self.parts
        code = encoder(x)
        z = torch.randn(code.shape, generator=self.sampling, device=self.device)
        generated = generator(z)

        game_of_d = losses.discriminator_loss(
            *self.discriminator.judge(x, code.detach(), generated.detach(), z)
        )
        self.optimiser_of_d.zero_grad()
        torch.autograd.backward(game_of_d)
        self.optimiser_of_d.step()

        encoded_logits, generated_logits = self.discriminator.judge(x, code, generated, z)
        game_of_e = losses.encoder_game_loss(encoded_logits)
        game_of_g = losses.generator_game_loss(generated_logits)
        cycle = losses.cycle_loss(x, generator(code))
        self._update(cycle + self.adversarial_weight * (game_of_e + game_of_g))
        return {
            "cycle": cycle.detach(),
            "encoder_game": game_of_e.detach(),
            "generator_game": game_of_g.detach(),
            "discriminator": game_of_d.detach(),
        }

    def _optimisers(self) -> list[torch.optim.Adam]:
        return [self.optimiser, self.optimiser_of_d]

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimiser_of_d": self.optimiser_of_d.state_dict(),
            "sampling": self.sampling.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimiser_of_d.load_state_dict(state["optimiser_of_d"])
        self.sampling.set_state(state["sampling"])
