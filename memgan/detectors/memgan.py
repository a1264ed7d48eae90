"""MEMGAN (arXiv 2002.02669): encoder, generator, joint discriminator and a trainable memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, LearningRate, MemganNetParameters
from memgan.data import Pixels
from memgan.detectors.look import GameLook, Look, MemoryLook
from memgan.detectors.parts import losses
from memgan.detectors.parts.batches import in_batches
from memgan.detectors.parts.contrast import signed_to_pixels
from memgan.detectors.parts.cooling import rate_factor
from memgan.detectors.parts.game import (
    draw_blur,
    noise_left,
    normalise_spectrally,
    r1_penalty,
    with_noise,
)
from memgan.detectors.parts.memory import (
    Memory,
    address,
    address_logits,
    draw_dirichlet,
    draw_noise,
    project,
    soften,
    units_from_codes,
)
from memgan.detectors.parts.networks import (
    Discriminator,
    encoder_of,
    generator_of,
    initialise,
)
from memgan.detectors.parts.residual_score import ResidualDetector
from memgan.detectors.parts.stepwise import Move, seen_at_least
from memgan.detectors.parts.weights import copied, kept, take_weights
from memgan.detectors.vectors.seal import sealed, unsealed
from memgan.detectors.vectors.standardised import VectorSource

Codes = npt.NDArray[np.float32]

_MOST_CODES = 2000
"""So many are enough to place the memory by."""


class Memgan(ResidualDetector):
    """One MEMGAN for one normal class; the score is Eq. 8, ‖x − G(P(E(x)))‖₂, or the same over the
    pixels that `parameters.score` says. x is an image, or its vector by `vectors` or `features`."""

    name = "memgan"

    def __init__(
        self,
        parameters: DetectorParameters,
        *,
        image_shape: tuple[int, int, int],
        seed: int,
        device: torch.device,
        vectors: VectorSource | None = None,
    ) -> None:
        super().__init__(parameters, image_shape=image_shape, seed=seed, device=device)
        assert isinstance(parameters, MemganNetParameters)
        self.parameters: MemganNetParameters = parameters
        self.see_by(parameters, vectors)
        self.epoch = 0
        self.shuffling = torch.Generator().manual_seed(seed)
        self.sampling = torch.Generator(device).manual_seed(seed + 1)
        self.parts = self._make_parts(torch.Generator().manual_seed(seed + 2)).to(device)
        self.networks = self.parts
        self.memory_start = self.memory.detach().clone()
        self.encoder: nn.Module = self.parts["encoder"]
        self.generator: nn.Module = self.parts["generator"]
        self.discriminator = cast(Discriminator, self.parts["discriminator"])
        self.optimisers = {
            name: torch.optim.Adam(
                self.parts[name].parameters(),
                lr=getattr(parameters.learning_rate, name),
                betas=(parameters.beta1, parameters.beta2),
                fused=True,
            )
            for name in LearningRate.model_fields
        }

    @property
    def memory(self) -> nn.Parameter:
        """M, (n, d)."""
        return cast(Memory, self.parts["memory"]).units

    def change(self, parameters: DetectorParameters) -> None:
        assert isinstance(parameters, MemganNetParameters)
        self.parameters = parameters

    def _set_optimisers(self) -> None:
        p = self.parameters
        factor = rate_factor(p.cooldown, epochs=p.epochs, epoch=self.epoch)
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = factor * getattr(p.learning_rate, name)
                group["betas"] = (p.beta1, p.beta2)

    def _make_parts(self, generator: torch.Generator) -> nn.ModuleDict:
        p, shape = self.parameters, self.seen_shape
        # Layers fill themselves from torch's global generator before `initialise` does so from
        # ours; the fork leaves the caller's random numbers as they are.
        with torch.random.fork_rng(devices=[]):
            parts = nn.ModuleDict(
                {
                    "encoder": encoder_of(shape, p.memory_dim, p.width),
                    "generator": generator_of(shape, p.memory_dim, p.width),
                    "discriminator": Discriminator(shape, p.memory_dim, p.width),
                    "memory": Memory(p.memory_units, p.memory_dim),
                }
            )
        initialise(parts, generator)
        if p.spectral_norm:
            normalise_spectrally(parts["discriminator"])
        nn.init.normal_(cast(Memory, parts["memory"]).units, std=p.memory_std, generator=generator)
        return parts

    def begin_epoch(self) -> None:
        self.epoch += 1
        self._set_optimisers()
        self.parts.train()

    def end_epoch(self, images: Pixels) -> None:
        if self.epoch == 1 and self.parameters.memory_start == "codes":
            self._start_from_codes(self.inputs(images)[:: 1 + len(images) // _MOST_CODES])

    @torch.no_grad()
    def _start_from_codes(self, inputs: npt.NDArray[Any]) -> None:
        p = self.parameters
        self.parts.train()
        codes = in_batches(lambda batch: self.encoder(self.see(batch).x), inputs, self.device)
        units = units_from_codes(codes, p.memory_units, std=p.memory_std, seed=self.seed)
        self.memory.copy_(torch.from_numpy(units))
        self.memory_start = self.memory.detach().clone()
        self.optimisers["memory"].state.clear()  # What it remembers is of another place.

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        """Algorithm 1: D first, then E, G and M from one common point."""
        return self._move_discriminator, self._move_others

    def draw(self, x: Tensor) -> tuple[Tensor, ...]:
        """Addresses a, (B, n), then, where D's inputs are noisy, the noise of x, E(x), G(z), z."""
        p, count = self.parameters, len(x)
        addresses = self._draw_addresses(count, self.sampling).to(x.dtype)
        noise = noise_left(p.input_noise, epoch=self.epoch, epochs=p.epochs)
        if not noise:
            return (addresses,)
        pair = [(x.shape, noise), ((count, p.memory_dim), noise * p.memory_std)]
        return (addresses, *draw_blur(pair + pair, self.sampling, x.dtype))

    def _draw_addresses(self, count: int, generator: torch.Generator) -> Tensor:
        p = self.parameters
        if p.address_law == "dirichlet":
            return draw_dirichlet(
                count, p.memory_units, concentration=p.concentration, generator=generator
            )
        return draw_noise(count, p.memory_units, generator)

    def _as_addresses(self, drawn: Tensor) -> Tensor:
        p = self.parameters
        return drawn if p.address_law == "dirichlet" else soften(drawn, p.sharpness)

    def _move_discriminator(self, x: Tensor, drawn: Tensor, *blur: Tensor) -> Move:
        p, code = self.parameters, self.encoder(x)
        a = self._as_addresses(drawn)
        z = a @ self.memory
        generated = self.generator(z)
        shown = with_noise((x, code.detach(), generated.detach(), z.detach()), blur)
        game_of_d = losses.discriminator_loss(
            *self.discriminator.judge(*shown), smoothing=p.label_smoothing
        )
        found, paid = {"discriminator": game_of_d}, game_of_d
        if p.r1_weight:
            found["r1"] = r1_penalty(self.discriminator, *shown[:2])
            paid = game_of_d + p.r1_weight * found["r1"]
        return Move(
            minimised={("discriminator",): paid},
            losses=found,
            handed_on=(code, a, z, generated, *blur),
        )

    # The seven are what the discriminator's move hands on.
    def _move_others(
        self, x: Tensor, code: Tensor, a: Tensor, z: Tensor, generated: Tensor, *blur: Tensor
    ) -> Move:
        p, E, G, M = self.parameters, self.encoder, self.generator, self.memory
        projected = project(code, M, p.address_scale)
        cycle = losses.cycle_loss(x, G(projected))
        projection = losses.projection_loss(code, projected)
        recovered = address_logits(E(generated), M, p.address_scale)
        information = losses.mutual_information_loss(a, recovered)
        encoded_logits, generated_logits = self.discriminator.judge(
            *with_noise((x, code, generated, z), blur)
        )
        game_of_e = self._encoder_game(encoded_logits)
        game_of_g = losses.generator_game_loss(generated_logits)

        rebuilding = (
            p.cycle_weight * cycle
            + p.projection_weight * projection
            + p.mutual_information_weight * information
        )
        game = p.adversarial_weight * (game_of_e + game_of_g)
        return Move(
            # z is made of M, so the game's gradient would reach M; Algorithm 1 keeps it out.
            minimised={("memory",): rebuilding, ("encoder", "generator"): rebuilding + game},
            losses={
                "cycle": cycle,
                "projection": projection,
                "mutual_information": information,
                "encoder_game": game_of_e,
                "generator_game": game_of_g,
            },
        )

    def _encoder_game(self, logits: Tensor) -> Tensor:
        if self.parameters.encoder_game == "saturating":
            return losses.encoder_game_loss(logits)
        return losses.encoder_game_loss_non_saturating(logits)

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.parts.train()  # BatchNorm keeps nothing of it.
        E, G, M, p = self.encoder, self.generator, self.memory, self.parameters
        x = self.see(torch.tensor(self.inputs(images), device=self.device)).x
        own = torch.Generator(self.device).manual_seed(self.seed + 5)
        a = self._as_addresses(self._draw_addresses(len(x), own).to(x.dtype))
        code, z = E(x), a @ M
        addresses, generated = address(code, M, p.address_scale), G(z)
        logits = self.discriminator.judge(x, code, generated, z)
        recovered = address_logits(E(generated), M, p.address_scale)
        return Look(
            x,
            G(addresses @ M),
            MemoryLook(code, addresses, M, self.memory_start.to(M), a, recovered),
            GameLook(code, z, *logits),
        )

    def rebuilding(self) -> nn.Module:
        scale = self.parameters.address_scale
        return _Rebuilt(self.encoder, self.generator, self.memory, scale).eval()

    def codes(self, images: Pixels) -> Codes:
        """E(x), float32 (N, d), of images uint8 (N, C, H, W)."""
        self.parts.eval()
        inputs = self.inputs(images)
        return in_batches(lambda batch: self.encoder(self.see(batch).x), inputs, self.device)

    def memory_units(self) -> Codes:
        """M, float32 (n, d): one unit a row."""
        return self.memory.detach().cpu().numpy().copy()

    @torch.no_grad()
    def decoded_memory(self) -> Pixels | None:
        """G(M), the memory units as images, uint8 (n, C, H, W) (Fig. 1); None where they are
        vectors. Where contrast was normalised, grey is the mean and no image gave them theirs."""
        if self.vectors:
            return None
        self.parts.eval()
        return signed_to_pixels(self.generator(self.memory))

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "parts": self.parts.state_dict(),
            "vectors": self.vectors.state() if self.vectors else {},
            "memory_start": self.memory_start,
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "shuffling": self.shuffling.get_state(),
            "sampling": self.sampling.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self.parts.load_state_dict(state["parts"])
        if self.vectors:
            self.vectors.load(state["vectors"])
        self.memory_start = state.get("memory_start", self.memory_start)
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.shuffling.set_state(state["shuffling"])
        self.sampling.set_state(state["sampling"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, MemganNetParameters)
        p = parameters
        shape = seen_at_least(parameters, image_shape)
        with torch.device("meta"):
            parts = (
                encoder_of(shape, p.memory_dim, p.width),
                generator_of(shape, p.memory_dim, p.width),
                Memory(p.memory_units, p.memory_dim),
            )
        return sum(value.numel() for part in parts for value in kept(part).values())

    def weights(self) -> dict[str, Tensor]:
        return sealed(self.extractor, copied(self.scoring_state()))

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        take_weights(unsealed(self.extractor, weights), self.scoring_state())
        self.learned_anew()

    def scoring_state(self) -> dict[str, Tensor]:
        """What scoring needs, by name; the tensors themselves."""
        own = kept(self.parts).items()
        learned = {name: value for name, value in own if not name.startswith("discriminator.")}
        return {**learned, **(self.vectors.state() if self.vectors else {})}


class _Rebuilt(nn.Module):
    """G(P(E(x)))."""

    def __init__(
        self, encoder: nn.Module, generator: nn.Module, memory: nn.Parameter, scale: float
    ) -> None:
        super().__init__()
        self.encoder, self.generator, self.memory = encoder, generator, memory
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        rebuilt: Tensor = self.generator(project(self.encoder(x), self.memory, self.scale))
        return rebuilt
