"""What detectors share that are one network, trained to rebuild normal images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, RebuilderParameters
from memgan.data import Pixels
from memgan.detectors.look import Look
from memgan.detectors.parts import losses
from memgan.detectors.parts.cooling import rate_factor
from memgan.detectors.parts.networks import initialise
from memgan.detectors.parts.residual_score import ResidualDetector
from memgan.detectors.parts.stepwise import seen_at_least
from memgan.detectors.parts.weights import copied, kept, take_weights
from memgan.detectors.vectors.seal import sealed, unsealed


class Rebuilder(ResidualDetector):
    """A network that rebuilds images, or vectors of them; the score is how far one is from what it
    makes of it. With `squared` it is trained by ‖x − x̂‖² too."""

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, RebuilderParameters)
        self.parameters: RebuilderParameters = parameters
        p = parameters
        self.see_by(p)
        self.epoch = 0
        self.shuffling = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            parts = self.net(p, self.seen_shape)
        self._start(parts, torch.Generator().manual_seed(self.seed + 2))
        self.parts = parts.to(self.device)
        self.networks = nn.ModuleDict({"net": self.parts})
        self.optimisers = {"net": self.adam(self.parts)}

    @classmethod
    @abstractmethod
    def net(cls, parameters: RebuilderParameters, shape: tuple[int, ...]) -> nn.Module:
        """The network, x → the same shape. shape: of one x, (C, H, W) or (p,)."""

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

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.networks.train()  # BatchNorm keeps nothing of it.
        return self.look_at(self.see(torch.tensor(self.inputs(images), device=self.device)).x)

    def look_at(self, x: Tensor) -> Look:
        """`look` of a batch as the networks see it, which are in training."""
        return Look(x, self.parts(x))

    def rebuilding(self) -> nn.Module:
        return self.parts.eval()

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "parts": self.parts.state_dict(),
            "vectors": self.vectors.state() if self.vectors else {},
            "optimiser": self.optimisers["net"].state_dict(),
            "shuffling": self.shuffling.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self.parts.load_state_dict(state["parts"])
        if self.vectors:
            self.vectors.load(state["vectors"])
        self.optimisers["net"].load_state_dict(state["optimiser"])
        self.shuffling.set_state(state["shuffling"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, RebuilderParameters)
        with torch.device("meta"):
            net = cls.net(parameters, seen_at_least(parameters, image_shape))
        return sum(value.numel() for value in kept(net).values())

    def weights(self) -> dict[str, Tensor]:
        return sealed(self.extractor, copied(self._scoring_state()))

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        take_weights(unsealed(self.extractor, weights), self._scoring_state())
        self.learned_anew()

    def _scoring_state(self) -> dict[str, Tensor]:
        return {**kept(self.parts), **(self.vectors.state() if self.vectors else {})}
