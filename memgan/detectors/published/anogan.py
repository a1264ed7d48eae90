"""AnoGAN (arXiv 1703.05921), "ADGAN" in the papers' tables: what a GAN cannot make is unusual.

A DCGAN learns to make normal images. An image is then compared with the nearest that G makes for
it: found by a search over z for each image, as in the paper, or by an encoder, as in f-AnoGAN
(Schlegl et al. 2019). docs/explanation/detectors.md says what differs from public code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import AnoganParameters, DetectorParameters, PublishedParameters
from memgan.data import Pixels
from memgan.detectors.base import Rebuilt
from memgan.detectors.look import GameLook, Look
from memgan.detectors.parts import losses
from memgan.detectors.parts.batches import output_of
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.stepwise import Move
from memgan.detectors.published.averaged import Averaged
from memgan.detectors.published.strided import mirrored, strided

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8
"""Adam's, of the search over z."""
_PARTS = ("generator", "discriminator", "encoder")


class Anogan(Averaged):
    """Scored by how an image differs from the one that G makes for it, in pixels and in the
    features f of D before its last layer."""

    name = "anogan"
    scored_with = _PARTS
    betas = MappingProxyType(dict.fromkeys(_PARTS, (0.5, 0.999)))
    parameters: AnoganParameters

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.generator, self.encoder = self.networks["generator"], self.networks["encoder"]
        self.discriminator = self.networks["discriminator"]

    @classmethod
    def build(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> nn.ModuleDict:
        p = parameters
        assert isinstance(p, AnoganParameters)
        trunk, left = strided(image_shape, p.width, norm_from=0)
        return nn.ModuleDict(
            {
                "generator": mirrored(image_shape, p.code_dim, p.width),
                "discriminator": Discriminator(image_shape, p.width),
                "encoder": nn.Sequential(trunk, nn.Linear(left, p.code_dim)),
            }
        )

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        """D, then G; then E, where it is what finds z."""
        game = (self._move_discriminator, self._move_generator)
        return (*game, self._move_encoder) if self.parameters.search == "encoder" else game

    def draw(self, x: Tensor) -> tuple[Tensor]:
        """z ~ N(0, I)."""
        return (self._codes(len(x), self.sampling).to(x.dtype),)

    def _codes(self, count: int, generator: torch.Generator) -> Tensor:
        shape = (count, self.parameters.code_dim)
        return torch.randn(shape, generator=generator, device=self.device)

    def _move_discriminator(self, x: Tensor, z: Tensor) -> Move:
        made = self.generator(z)
        real_logits, made_logits = self._judge(x, made.detach())
        loss = losses.discriminator_loss(real_logits, made_logits)
        return Move({("discriminator",): loss}, {"discriminator": loss}, (made,))

    def _judge(self, x: Tensor, made: Tensor) -> tuple[Tensor, ...]:
        """Logits of both: one call, as D takes every image by itself."""
        return torch.tensor_split(self.discriminator(torch.cat([x, made])), 2)

    def _move_generator(self, x: Tensor, made: Tensor) -> Move:
        loss = losses.generator_game_loss(self.discriminator(made))
        return Move({("generator",): loss}, {"generator_game": loss})

    def _move_encoder(self, x: Tensor) -> Move:
        rebuilt = self.generator(self.encoder(x))
        features = _judge_of(self.networks).features
        loss = encoder_score(features, x, rebuilt, self.parameters.feature_weight).mean()
        return Move({("encoder",): loss}, {"residual": loss})

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.networks.train()  # BatchNorm keeps nothing of it.
        x = self.see(torch.tensor(images, device=self.device)).x
        z = self._codes(len(x), torch.Generator(self.device).manual_seed(self.seed + 5))
        logits = self._judge(x, self.generator(z))
        if self.parameters.search == "steps":  # A search is too long for a look.
            return Look(x, None, game=GameLook(None, z, *logits))
        code = self.encoder(x)
        return Look(x, self.generator(code), game=GameLook(code, z, *logits))

    def prepare_to_score(self, images: Pixels) -> None:
        """Statistics of BatchNorm: of G's images as it makes them for normal ones, or of z drawn
        anew where there are no codes of them."""
        path: nn.Module = _ByEncoder(self.scoring, self.parameters)
        if self.parameters.search == "steps":
            path = _OfSamples(self.scoring["generator"], self.parameters.code_dim, self.seed)
        renew_statistics(path, even_batches(images, self.device))

    def rebuild(self, images: Pixels) -> Rebuilt:
        return output_of(self.scorer(), images, self.device, output=1)

    def scorer(self) -> nn.Module:
        kind = _ByEncoder if self.parameters.search == "encoder" else _BySteps
        return kind(self.scoring, self.parameters).eval()


class Discriminator(nn.Module):
    """D: (B, C, H, W) → logit (B,). No BatchNorm, as its features are part of the score."""

    def __init__(self, image_shape: tuple[int, int, int], width: int) -> None:
        super().__init__()
        self.features, left = strided(image_shape, width, norm_from=None)
        self.head = nn.Linear(left, 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images)).squeeze(1)
        return logits


def _judge_of(networks: nn.ModuleDict) -> Discriminator:
    discriminator = networks["discriminator"]
    assert isinstance(discriminator, Discriminator)
    return discriminator


Features = Callable[[Tensor], Tensor]


def search_score(features: Features, x: Tensor, made: Tensor, weight: float) -> Tensor:
    """A = (1 − λ) ‖x − G(z)‖₁ + λ ‖f(x) − f(G(z))‖₁, (B,), λ the `weight`."""
    of_pixels = (x - made).abs().flatten(1).sum(dim=1)
    of_features = (features(x) - features(made)).abs().sum(dim=1)
    return (1 - weight) * of_pixels + weight * of_features


def encoder_score(features: Features, x: Tensor, made: Tensor, weight: float) -> Tensor:
    """A = mean (x − x̂)² + κ mean (f(x) − f(x̂))², (B,), x̂ = G(E(x)) and κ the `weight`."""
    of_pixels = ((x - made) ** 2).flatten(1).mean(dim=1)
    of_features = ((features(x) - features(made)) ** 2).mean(dim=1)
    return of_pixels + weight * of_features


def search_codes(
    score: Callable[[Tensor], Tensor], start: Tensor, *, steps: int, rate: float
) -> Tensor:
    """z, (B, d), after so many steps of Adam on `score`, z (B, d) → (B,), each image by itself. The
    rate falls from `rate` along half a cosine."""

    def summed(z: Tensor) -> Tensor:
        return score(z).sum()  # No image's score depends on the z of another.

    z, first, second = start, torch.zeros_like(start), torch.zeros_like(start)
    for step in range(steps):
        slope = torch.func.grad(summed)(z)
        first = _BETA1 * first + (1 - _BETA1) * slope
        second = _BETA2 * second + (1 - _BETA2) * slope**2
        usual = first / (1 - _BETA1 ** (step + 1))
        size = (second / (1 - _BETA2 ** (step + 1))).sqrt() + _EPSILON
        z = z - rate * (1 + math.cos(math.pi * step / steps)) / 2 * usual / size
    return z


class _ByEncoder(nn.Module):
    def __init__(self, networks: nn.ModuleDict, p: AnoganParameters) -> None:
        super().__init__()
        self.networks, self.normalised = networks, p.contrast_normalised
        self.weight = p.feature_weight

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = see(images, contrast_normalised=self.normalised)
        made = self.networks["generator"](self.networks["encoder"](seen.x))
        judge = _judge_of(self.networks)
        scores = encoder_score(judge.features, seen.x, made, self.weight)
        return scores.to(torch.float64), seen.to_grey(made)


class _BySteps(nn.Module):
    """Every search starts at z = 0, the middle of all, so that none depends on other images."""

    def __init__(self, networks: nn.ModuleDict, p: AnoganParameters) -> None:
        super().__init__()
        self.networks, self.normalised = networks, p.contrast_normalised
        self.values = p

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        p, seen = self.values, see(images, contrast_normalised=self.normalised)
        generator, judge = self.networks["generator"], _judge_of(self.networks)

        def score(z: Tensor) -> Tensor:
            return search_score(judge.features, seen.x, generator(z), p.search_weight)

        start = torch.zeros(len(images), p.code_dim, dtype=seen.x.dtype, device=images.device)
        z = search_codes(score, start, steps=p.search_steps, rate=p.search_rate)
        with torch.no_grad():
            return score(z).to(torch.float64), seen.to_grey(generator(z))


class _OfSamples(nn.Module):
    """G of as many z as there are images, drawn the same each time."""

    def __init__(self, generator: nn.Module, code_dim: int, seed: int) -> None:
        super().__init__()
        self.generator, self.code_dim = generator, code_dim
        self.sampling = torch.Generator().manual_seed(seed + 6)

    def forward(self, images: Tensor) -> Tensor:
        z = torch.randn(len(images), self.code_dim, generator=self.sampling)
        made: Tensor = self.generator(z.to(images.device))
        return made
