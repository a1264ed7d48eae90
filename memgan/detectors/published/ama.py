"""AMA, the Adversarial Mirrored Autoencoder (arXiv 2003.10713).

A Wasserstein critic D sees pairs of images. It shall prefer (x, x), the mirrored pair, to
(x, G(E(x))); E and G shall leave it no reason to. Equations are written out here, as only the
authors' public code and the abstract were at hand. What that code does otherwise than its text
says is a parameter, see docs/explanation/detectors.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import AmaParameters, DetectorParameters, PublishedParameters
from memgan.data import Pixels
from memgan.detectors.base import Rebuilt
from memgan.detectors.look import GameLook, Look
from memgan.detectors.parts.batches import output_of
from memgan.detectors.parts.batchnorm import BatchNorm2d
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.game import normalise_spectrally
from memgan.detectors.parts.networks import strided_plan
from memgan.detectors.parts.stepwise import Move
from memgan.detectors.published.residual import Critic, ResidualGenerator
from memgan.detectors.published.several import Several, fill_by_xavier, for_scoring

_ATYPICAL_SHARE = 10
"""One image of a batch in so many is replaced by an atypical one."""
_TINY = 1e-12


class Ama(Several):
    """Scored by s(x) = ‖f(x, x) − f(x, G(E(x)))‖₁ with f the critic's last features, or by
    |s(x) − μ| / σ, with μ and σ of s over the training images."""

    name = "ama"
    scored_with = ("encoder", "generator", "critic")
    betas = MappingProxyType({"encoder": (0.5, 0.9), "generator": (0.0, 0.9), "critic": (0.0, 0.9)})
    parameters: AmaParameters

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.encoder = self.networks["encoder"]
        self.generator = self.networks["generator"]
        self.critic = self.networks["critic"]

    @classmethod
    def build(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> nn.ModuleDict:
        p = parameters
        assert isinstance(p, AmaParameters)
        return nn.ModuleDict(
            {
                "encoder": _encoder(image_shape, p.code_dim, p.width),
                "generator": ResidualGenerator(image_shape, p.code_dim, 4 * p.width),
                "critic": Critic(image_shape[0], p.critic_width),
            }
        )

    @classmethod
    def statistics(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> dict[str, Tensor]:
        return {"typical": torch.tensor([0.0, 1.0], dtype=torch.float64)}  # μ and σ

    def fill(self, networks: nn.ModuleDict, generator: torch.Generator) -> None:
        fill_by_xavier(networks, generator, gain=math.sqrt(2))
        if self.parameters.spectral_norm:
            normalise_spectrally(networks["critic"])

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        """Several steps of D on one batch, then one of E and G from a common point."""
        steps = range(self.parameters.critic_steps)
        return (*(partial(self._move_critic, step) for step in steps), self._move_others)

    def draw(self, x: Tensor) -> tuple[Tensor, ...]:
        """ε of each step of D, two orders of the batch, the weights of the simplex a₁ and a₂, and
        the factor a of atypical codes."""
        count = len(x)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=self.sampling, device=self.device)

        mixed = uniform(self.parameters.critic_steps, count).to(x.dtype)
        orders = uniform(2, count).argsort(dim=1)
        return mixed, orders, (uniform(2, count) / 2).to(x.dtype), (uniform(count) / 2).to(x.dtype)

    # The five are a batch and what was drawn for it; later steps of D are given what the first
    # hands on.
    def _move_critic(self, step: int, x: Tensor, *given: Tensor) -> Move:
        p = self.parameters
        shown, signs, codes, rebuilt, orders, mixture, mixed = (
            self._show(x, *given) if step == 0 else given
        )
        made = rebuilt.detach()
        pairs = [(shown, shown), (shown, made)]
        if p.simplex_weight:
            pairs += [(x, x), *_mixed_pairs(x, orders, mixture.detach())]
        mirrored, by_d, *of_mixtures = self._judge(pairs)
        game = mirrored_loss(mirrored, by_d, signs)
        penalty = gradient_penalty(self.critic, shown, made, mixed[step])
        paid, found = game + p.gradient_penalty * penalty, {"critic": game, "penalty": penalty}
        if p.simplex_weight:
            found["critic_simplex"] = simplex_loss(*of_mixtures)
            paid = paid + p.simplex_weight * found["critic_simplex"]
        handed_on = (shown, signs, codes, rebuilt, orders, mixture, mixed)
        return Move({("critic",): paid}, found, handed_on)

    def _show(
        self, x: Tensor, mixed: Tensor, orders: Tensor, weights: Tensor, shrunk: Tensor
    ) -> tuple[Tensor, ...]:
        """The batch with its atypical images, its signs l, codes and what is rebuilt; then the
        orders and G of the mixtures. E and G stay as they are through all steps of D."""
        p, codes = self.parameters, self.encoder(x)
        mixture = self.generator(mix(codes, orders, weights)) if p.simplex_weight else x
        signs = torch.ones_like(codes[:, 0])
        if p.atypical_weight and self.epoch > p.atypical_from:
            few = max(1, len(x) // _ATYPICAL_SHARE)
            atypical = self.generator(shrunk[:, None] * codes)[:few].detach()
            x = torch.cat([atypical, x[few:]])
            signs = torch.cat([-p.atypical_weight * signs[:few], signs[few:]])
            codes = self.encoder(x)
        return x, signs, codes, self.generator(codes), orders, mixture, mixed

    def _judge(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, ...]:
        """D of each pair, (B,): one call, as D takes every sample by itself."""
        first, second = (torch.cat(halves) for halves in zip(*pairs, strict=True))
        return torch.tensor_split(self.critic(first, second), len(pairs))

    # The eight are what the critic's moves hand on.
    def _move_others(
        self,
        x: Tensor,
        shown: Tensor,
        signs: Tensor,
        codes: Tensor,
        rebuilt: Tensor,
        orders: Tensor,
        mixture: Tensor,
        mixed: Tensor,
    ) -> Move:
        p = self.parameters
        mixing = p.simplex_weight and p.simplex_trains_generator
        pairs = _mixed_pairs(x, orders, mixture) if mixing else []
        by_d, *of_mixtures = self._judge([(shown, rebuilt), *pairs])
        game, norm = -(signs * by_d).mean(), code_norm(codes, signs)
        paid, found = game + p.norm_weight * norm, {"generator_game": game, "norm": norm}
        if mixing:
            found["generator_simplex"] = -torch.stack(of_mixtures).mean()
            paid = paid + p.simplex_weight * found["generator_simplex"]
        return Move({("encoder", "generator"): paid}, found)

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.networks.train()  # BatchNorm keeps nothing of it.
        x = self.see(torch.tensor(images, device=self.device)).x
        codes = self.encoder(x)
        rebuilt = self.generator(codes)
        real, made = self.critic(x, x), self.critic(x, rebuilt)
        middle = (real.mean() + made.mean()) / 2  # A critic knows only more and less.
        return Look(x, rebuilt, game=GameLook(codes, None, real - middle, made - middle))

    def prepare_to_score(self, images: Pixels) -> None:
        super().prepare_to_score(images)
        scores = output_of(self._scorer(two_sided=False), images, self.device)
        typical = [float(scores.mean()), max(float(scores.std()), _TINY)]
        self.learned["typical"].copy_(torch.tensor(typical, dtype=torch.float64))

    def rebuild(self, images: Pixels) -> Rebuilt:
        return output_of(self.scorer(), images, self.device, output=1)

    def scorer(self) -> nn.Module:
        return self._scorer(self.parameters.two_sided)

    def _scorer(self, two_sided: bool) -> nn.Module:
        typical = self.learned["typical"] if two_sided else None
        return _Scorer(self.networks, self.parameters.contrast_normalised, typical).eval()


def mirrored_loss(mirrored: Tensor, rebuilt: Tensor, signs: Tensor) -> Tensor:
    """mean l · (−D(x, x) + D(x, x̂)), what D minimises. mirrored: D(x, x), (B,), rebuilt: D(x, x̂);
    signs: l, 1 for normal images and −λ_anom for atypical ones."""
    return (signs * (rebuilt - mirrored)).mean()


def simplex_loss(mirrored: Tensor, *of_mixtures: Tensor) -> Tensor:
    """mean over k of −D(x_k, x_k) + D(x_k, r), what D minimises too. mirrored: D(x, x), (B,), whose
    mean is the same in any order of the batch; of_mixtures: D(x_k, r) of each k."""
    return torch.stack(of_mixtures).mean() - mirrored.mean()


def _mixed_pairs(x: Tensor, orders: Tensor, mixture: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(x_k, r), x_k the three images whose codes r was made of."""
    return [(one, mixture) for one in (x[orders[0]], x[orders[1]], x)]


def gradient_penalty(critic: nn.Module, x: Tensor, rebuilt: Tensor, mixed: Tensor) -> Tensor:
    """mean (‖∇ D(x, x̃)‖₂ − 1)² with x̃ = εx + (1 − ε)x̂, over both halves of the pair and the
    whole of each sample. mixed: ε, (B,). Public code takes the norm at each pixel."""
    share = mixed[:, None, None, None]

    def summed(first: Tensor, second: Tensor) -> Tensor:
        values: Tensor = critic(first, second)
        return values.sum()  # D takes each sample by itself.

    of_pair = torch.func.grad(summed, argnums=(0, 1))(x, share * x + (1 - share) * rebuilt)
    slopes = torch.cat([half.flatten(1) for half in of_pair], dim=1)
    penalty: Tensor = ((torch.linalg.vector_norm(slopes, dim=1) - 1) ** 2).mean()
    return penalty


def simplex_weights(drawn: Tensor) -> Tensor:
    """a₁, a₂ and 1 − a₁ − a₂, (3, B), of the first two, (2, B), from 0 to ½."""
    return torch.cat([drawn, 1 - drawn.sum(dim=0, keepdim=True)])


def mix(codes: Tensor, orders: Tensor, drawn: Tensor) -> Tensor:
    """a₁e₁ + a₂e₂ + (1 − a₁ − a₂)e₃, (B, d), with e₃ the codes and e₁, e₂ the same in other
    orders, (2, B)."""
    first, second, third = simplex_weights(drawn)
    of_others = first[:, None] * codes[orders[0]] + second[:, None] * codes[orders[1]]
    mixed: Tensor = of_others + third[:, None] * codes
    return mixed


def code_norm(codes: Tensor, signs: Tensor) -> Tensor:
    """Mean ‖E(x)‖₂ over normal images: those whose sign is above 0."""
    normal = (signs > 0).to(codes.dtype)
    mean: Tensor = (normal * torch.linalg.vector_norm(codes, dim=1)).sum() / normal.sum()
    return mean


def _encoder(image_shape: tuple[int, int, int], code_dim: int, width: int) -> nn.Sequential:
    channels, height, breadth = image_shape
    steps, left = strided_plan(height, breadth)
    layers: list[nn.Module] = []
    for level, step in enumerate(steps):
        out = width * min(2**level, 4)
        layers += [
            nn.Conv2d(channels, out, step.kernel, step.stride, padding=1, bias=False),
            BatchNorm2d(out),
            nn.LeakyReLU(0.2),
        ]
        channels = out
    # A convolution as large as what is left.
    layers += [nn.Flatten(), nn.Linear(channels * math.prod(left), code_dim, bias=False)]
    return nn.Sequential(*layers)


class _Scorer(nn.Module):
    """s from pixels on. typical: μ and σ, or None for s itself."""

    typical: Tensor | None

    def __init__(self, networks: nn.ModuleDict, normalised: bool, typical: Tensor | None) -> None:
        super().__init__()
        self.encoder, self.generator = networks["encoder"], networks["generator"]
        self.critic, self.normalised = for_scoring(networks["critic"]), normalised
        self.register_buffer("typical", typical)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = see(images, contrast_normalised=self.normalised)
        rebuilt = self.generator(self.encoder(seen.x))
        critic = self.critic
        assert isinstance(critic, Critic)
        apart = critic.features(seen.x, seen.x) - critic.features(seen.x, rebuilt)
        scores = apart.abs().sum(dim=1).to(torch.float64)
        if self.typical is not None:
            scores = (scores - self.typical[0]).abs() / self.typical[1]
        return scores, seen.to_grey(rebuilt)
