"""What detectors share that are one network, trained to rebuild normal images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, RebuilderParameters, ResidualParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Rebuilt
from memgan.detectors.look import Look
from memgan.detectors.parts import losses
from memgan.detectors.parts.batches import in_batches
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.cooling import rate_factor
from memgan.detectors.parts.networks import initialise
from memgan.detectors.parts.residual_score import ResidualScore
from memgan.detectors.parts.stepwise import Stepwise
from memgan.detectors.parts.weights import copied, kept, take_weights


class Rebuilder(Stepwise):
    """A network that rebuilds images; the score is how far an image is from what it makes of it."""

    squared: ClassVar[bool] = False
    """Whether it is trained and scored by ‖x − x̂‖², and not by ‖x − x̂‖₂."""

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, RebuilderParameters)
        self.parameters: RebuilderParameters = parameters
        p = parameters
        self.epoch = 0
        self.shuffling = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            parts = self.net(p, self.image_shape)
        self._start(parts, torch.Generator().manual_seed(self.seed + 2))
        self.parts = parts.to(self.device)
        self.networks = nn.ModuleDict({"net": self.parts})
        self.optimisers = {"net": self.adam(self.parts)}

    @classmethod
    @abstractmethod
    def net(cls, parameters: RebuilderParameters, image_shape: tuple[int, int, int]) -> nn.Module:
        """The network, x (B, C, H, W) → the same shape."""

    def _start(self, net: nn.Module, generator: torch.Generator) -> None:
        """Fill its weights."""
        initialise(net, generator)

    def adam(self, parts: nn.Module) -> torch.optim.Adam:
        """An optimiser of some of the networks, as the parameters say."""
        p = self.parameters
        return torch.optim.Adam(
            parts.parameters(), lr=p.learning_rate, betas=(p.beta1, p.beta2), fused=True
        )

    @classmethod
    def distance(cls, x: Tensor, rebuilt: Tensor) -> Tensor:
        """Of each image from what is made of it, (B,)."""
        return (losses.squared_distance if cls.squared else losses.distance)(x, rebuilt)

    def begin_epoch(self) -> None:
        self.epoch += 1
        self._set_rates()
        self.networks.train()

    def _set_rates(self) -> None:
        p = self.parameters
        factor = rate_factor(p.cooldown, epochs=p.epochs, epoch=self.epoch)
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = factor * p.learning_rate

    def prepare_to_score(self, images: Pixels) -> None:
        renew_statistics(self.scorer(), even_batches(images, self.device))

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.networks.train()  # BatchNorm keeps nothing of it.
        return self.look_at(self.see(torch.tensor(images, device=self.device)).x)

    def look_at(self, x: Tensor) -> Look:
        """`look` of a batch as the networks see it, which are in training."""
        return Look(x, self.parts(x))

    def scorer(self) -> nn.Module:
        self.parts.eval()
        p = self.parameters
        assert isinstance(p, ResidualParameters)
        return _Scorer(self.parts, ResidualScore(p, squared=self.squared), p.contrast_normalised)

    def score(self, images: Pixels) -> Scores:
        scorer = self.scorer()
        return in_batches(lambda pixels: scorer(pixels)[0], images, self.device)

    def rebuild(self, images: Pixels) -> Rebuilt:
        scorer = self.scorer()
        return in_batches(lambda pixels: scorer(pixels)[1], images, self.device)

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "parts": self.parts.state_dict(),
            "optimiser": self.optimisers["net"].state_dict(),
            "shuffling": self.shuffling.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self.parts.load_state_dict(state["parts"])
        self.optimisers["net"].load_state_dict(state["optimiser"])
        self.shuffling.set_state(state["shuffling"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, RebuilderParameters)
        with torch.device("meta"):
            net = cls.net(parameters, image_shape)
        return sum(value.numel() for value in kept(net).values())

    def weights(self) -> dict[str, Tensor]:
        return copied(kept(self.parts))

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        take_weights(weights, kept(self.parts))


class _Scorer(nn.Module):
    def __init__(self, parts: nn.Module, score: ResidualScore, normalised: bool) -> None:
        super().__init__()
        self.parts, self.score, self.normalised = parts, score, normalised

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = see(images, contrast_normalised=self.normalised)
        rebuilt = self.parts(seen.x)
        return self.score(seen.x, rebuilt).to(torch.float64), seen.to_grey(rebuilt)
