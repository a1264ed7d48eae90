"""ALAD, Adversarially Learned Anomaly Detection (arXiv 1812.02288).

A game over pairs of image and code, with two more discriminators that hold the cycles in images
and in codes. What its public code does otherwise than its text is told in
docs/explanation/detectors.md. Discriminators enter as logits l: log σ(l) = logsigmoid(l).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import AladParameters, DetectorParameters, PublishedParameters
from memgan.data import Pixels
from memgan.detectors.base import Rebuilt
from memgan.detectors.look import GameLook, Look
from memgan.detectors.parts.batches import output_of
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.game import normalise_spectrally
from memgan.detectors.parts.losses import (
    discriminator_loss,
    encoder_game_loss_non_saturating,
    generator_game_loss,
)
from memgan.detectors.parts.networks import initialise
from memgan.detectors.parts.stepwise import Move
from memgan.detectors.published.averaged import Averaged
from memgan.detectors.published.convolutions import halved
from memgan.detectors.published.dropping import Discriminator, Dropping
from memgan.detectors.published.several import for_scoring
from memgan.detectors.published.strided import mirrored, strided

_SLOPE = 0.2
_DISCRIMINATORS = ("of_pairs", "of_images", "of_codes")
_NETWORKS = ("encoder", "generator", *_DISCRIMINATORS)


class Alad(Averaged):
    """Scored by ‖f(x, x) − f(x, G(E(x)))‖₁, f the features of D_xx before its last layer."""

    name = "alad"
    scored_with = ("encoder", "generator", "of_images")
    betas = MappingProxyType(dict.fromkeys(_NETWORKS, (0.5, 0.999)))
    parameters: AladParameters

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.encoder, self.generator = self.networks["encoder"], self.networks["generator"]
        self.of_pairs, self.of_images, self.of_codes = (
            self.networks[name] for name in _DISCRIMINATORS
        )

    @classmethod
    def build(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> nn.ModuleDict:
        p = parameters
        assert isinstance(p, AladParameters)
        trunk, left = strided(image_shape, p.width, norm_from=0)
        return nn.ModuleDict(
            {
                "encoder": nn.Sequential(trunk, nn.Linear(left, p.code_dim)),
                "generator": mirrored(image_shape, p.code_dim, p.width),
                "of_pairs": OfPairs(image_shape, p.code_dim, p.width),
                "of_images": OfImages(image_shape, p.width),
                "of_codes": OfCodes(p.code_dim),
            }
        )

    def fill(self, networks: nn.ModuleDict, generator: torch.Generator) -> None:
        initialise(networks, generator)
        if self.parameters.spectral_norm:
            for name in ("encoder", *_DISCRIMINATORS):
                normalise_spectrally(networks[name])

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        """All three discriminators, then E and G from one common point."""
        return self._move_discriminators, self._move_others

    def draw(self, x: Tensor) -> tuple[Tensor, ...]:
        """z of either move, then what dropout leaves of each discriminator, by move."""
        p, count = self.parameters, len(x)
        shape = (count, p.code_dim)
        codes = [
            torch.randn(shape, generator=self.sampling, device=self.device).to(x.dtype)
            for _ in self.moves
        ]
        pairs = ((2, 2), (2, 1), (2, 1))  # That each judges in the first move and in the second.
        left = [
            self._discriminator(name).draw(times * count, self.sampling, x)
            for name, of_moves in zip(_DISCRIMINATORS, pairs, strict=True)
            for times in of_moves
        ]
        return (*codes, *left)

    def _discriminator(self, name: str) -> Discriminator:
        network = self.networks[name]
        assert isinstance(network, Discriminator)
        return network

    def _move_discriminators(self, x: Tensor, z: Tensor, fresh: Tensor, *left: Tensor) -> Move:
        of_pairs, later_pairs, of_images, later_images, of_codes, later_codes = left
        E, G = self.encoder, self.generator
        code = E(x)
        rebuilt = G(code)
        generated = G(z).detach()
        again = E(generated).detach()
        shown, made = code.detach(), rebuilt.detach()
        first, second = of_pairs.tensor_split(2)
        # BatchNorm in D_xz sees real and made ones apart, as in the public code.
        found = {
            "d_xz": discriminator_loss(
                self.of_pairs(x, shown, first), self.of_pairs(generated, z, second)
            ),
            "d_xx": discriminator_loss(*_both(self.of_images, (x, x), (x, made), of_images)),
            "d_zz": discriminator_loss(*_both(self.of_codes, (z, z), (z, again), of_codes)),
        }
        trained = zip(_DISCRIMINATORS, found.values(), strict=True)
        minimised: dict[tuple[str, ...], Tensor] = {(part,): loss for part, loss in trained}
        handed_on = (code, rebuilt, fresh, later_pairs, later_images, later_codes)
        return Move(minimised, found, handed_on)

    # The seven are what the discriminators' move hands on.
    def _move_others(
        self,
        x: Tensor,
        code: Tensor,
        rebuilt: Tensor,
        z: Tensor,
        of_pairs: Tensor,
        of_images: Tensor,
        of_codes: Tensor,
    ) -> Move:
        generated = self.generator(z)
        again = self.encoder(generated)
        first, second = of_pairs.tensor_split(2)
        game_of_e = encoder_game_loss_non_saturating(self.of_pairs(x, code, first))
        game_of_g = generator_game_loss(self.of_pairs(generated, z, second))
        cycle = generator_game_loss(self.of_images(x, rebuilt, of_images))
        cycle = cycle + generator_game_loss(self.of_codes(z, again, of_codes))
        return Move(
            # E's own game has no slope for G, nor G's for E: one sum trains both.
            {("encoder", "generator"): game_of_e + game_of_g + cycle},
            {"encoder_game": game_of_e, "generator_game": game_of_g, "cycles": cycle},
        )

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.networks.train()  # BatchNorm keeps nothing of it.
        x = self.see(torch.tensor(images, device=self.device)).x
        own = torch.Generator(self.device).manual_seed(self.seed + 5)
        z = torch.randn((len(x), self.parameters.code_dim), generator=own, device=self.device)
        code = self.encoder(x)
        logits = self.of_pairs(x, code), self.of_pairs(self.generator(z), z)
        return Look(x, self.generator(code), game=GameLook(code, z, *logits))

    def prepare_to_score(self, images: Pixels) -> None:
        """Statistics of BatchNorm, of the averaged networks."""
        scorer = _Scorer(self.scoring, self.parameters.contrast_normalised)
        renew_statistics(scorer, even_batches(images, self.device))

    def rebuild(self, images: Pixels) -> Rebuilt:
        return output_of(self.scorer(), images, self.device, output=1)

    def scorer(self) -> nn.Module:
        return _Scorer(for_scoring(self.scoring), self.parameters.contrast_normalised).eval()


Pair = tuple[Tensor, Tensor]


def _both(network: nn.Module, real: Pair, made: Pair, left: Tensor) -> tuple[Tensor, ...]:
    """Logits of real and of made pairs: one call of a network without BatchNorm."""
    first, second = (torch.cat(halves) for halves in zip(real, made, strict=True))
    return torch.tensor_split(network(first, second, left), 2)


class OfPairs(Discriminator):
    """D_xz: image and code → logit (B,)."""

    def __init__(self, image_shape: tuple[int, int, int], code_dim: int, width: int) -> None:
        super().__init__()
        self.of_image, left = strided(image_shape, width, norm_from=1)
        narrow, wide = 4 * width, 8 * width
        self.of_code = Dropping(
            [_activated(nn.Linear(code_dim, narrow)), _activated(nn.Linear(narrow, narrow))],
            [(narrow,), (narrow,)],
        )
        self.joined = Dropping([_activated(nn.Linear(left + narrow, wide))], [(wide,)])
        self.head = nn.Linear(wide, 1)

    @property
    def droppings(self) -> tuple[Dropping, ...]:
        return self.of_code, self.joined

    def forward(self, images: Tensor, codes: Tensor, left: Tensor | None = None) -> Tensor:
        of_code, of_joined = self.divided(left)
        joined = torch.cat([self.of_image(images), self.of_code(codes, of_code)], dim=1)
        logits: Tensor = self.head(self.joined(joined, of_joined)).squeeze(1)
        return logits


class OfImages(Discriminator):
    """D_xx: two images, joined along channels → logit (B,). No BatchNorm, as its features are the
    score."""

    def __init__(self, image_shape: tuple[int, int, int], width: int) -> None:
        super().__init__()
        channels, height, breadth = image_shape
        narrow = max(1, width // 2)
        sizes = halved(height, breadth, 2)
        stages = [
            _activated(nn.Conv2d(2 * channels, narrow, 5, stride=2, padding=2)),
            _activated(nn.Conv2d(narrow, width, 5, stride=2, padding=2)),
        ]
        self.convolutions = Dropping(stages, [(narrow, *sizes[1]), (width, *sizes[2])])
        self.head = nn.Linear(width * sizes[2][0] * sizes[2][1], 1)

    @property
    def droppings(self) -> tuple[Dropping, ...]:
        return (self.convolutions,)

    def features(self, first: Tensor, second: Tensor, left: Tensor | None = None) -> Tensor:
        """f, (B, number of features)."""
        maps: Tensor = self.convolutions(torch.cat([first, second], dim=1), left)
        return maps.flatten(1)

    def forward(self, first: Tensor, second: Tensor, left: Tensor | None = None) -> Tensor:
        logits: Tensor = self.head(self.features(first, second, left)).squeeze(1)
        return logits


class OfCodes(Discriminator):
    """D_zz: two codes → logit (B,)."""

    def __init__(self, code_dim: int) -> None:
        super().__init__()
        stages = [_activated(nn.Linear(2 * code_dim, 64)), _activated(nn.Linear(64, 32))]
        self.layers = Dropping(stages, [(64,), (32,)])
        self.head = nn.Linear(32, 1)

    @property
    def droppings(self) -> tuple[Dropping, ...]:
        return (self.layers,)

    def forward(self, first: Tensor, second: Tensor, left: Tensor | None = None) -> Tensor:
        hidden: Tensor = self.layers(torch.cat([first, second], dim=1), left)
        logits: Tensor = self.head(hidden).squeeze(1)
        return logits


def _activated(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, nn.LeakyReLU(_SLOPE))


class _Scorer(nn.Module):
    def __init__(self, networks: nn.Module, normalised: bool) -> None:
        super().__init__()
        assert isinstance(networks, nn.ModuleDict)
        self.encoder, self.generator = networks["encoder"], networks["generator"]
        self.of_images, self.normalised = networks["of_images"], normalised

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = see(images, contrast_normalised=self.normalised)
        rebuilt = self.generator(self.encoder(seen.x))
        judge = self.of_images
        assert isinstance(judge, OfImages)
        apart = judge.features(seen.x, seen.x) - judge.features(seen.x, rebuilt)
        return apart.abs().sum(dim=1).to(torch.float64), seen.to_grey(rebuilt)
