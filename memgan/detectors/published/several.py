"""What detectors share that are several networks, each with an optimiser of its own."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from memgan.config import DetectorParameters, PublishedParameters
from memgan.data import Pixels, Scores
from memgan.detectors.parts.batches import output_of
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.cooling import rate_factor
from memgan.detectors.parts.networks import initialise
from memgan.detectors.parts.stepwise import Stepwise
from memgan.detectors.parts.weights import copied, kept, take_weights


class Several(Stepwise):
    """A detector of named networks. Its random numbers are from `sampling`, on its device."""

    parameters: PublishedParameters
    scoring: nn.ModuleDict
    """The networks that score; the same that train, unless those are averaged."""
    scored_with: ClassVar[tuple[str, ...]]
    """The networks that scoring needs, by name."""
    betas: ClassVar[Mapping[str, tuple[float, float]]]
    """Adam's decays by network; of all, trained in this order."""

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, PublishedParameters)
        self.parameters = parameters
        self.epoch = 0
        self.shuffling = torch.Generator().manual_seed(self.seed)
        self.sampling = torch.Generator(self.device).manual_seed(self.seed + 1)
        with torch.random.fork_rng(devices=[]):  # Layers first fill themselves from the global one.
            networks = self.build(parameters, self.image_shape)
        self.fill(networks, torch.Generator().manual_seed(self.seed + 2))
        self.networks = networks.to(self.device)
        self.scoring = nn.ModuleDict({name: self.networks[name] for name in self.scored_with})
        self.learned = {
            name: value.to(self.device)
            for name, value in self.statistics(parameters, self.image_shape).items()
        }
        self.optimisers = {
            name: torch.optim.Adam(
                self.networks[name].parameters(),
                lr=parameters.learning_rate,
                betas=betas,
                fused=True,
            )
            for name, betas in self.betas.items()
        }

    @classmethod
    @abstractmethod
    def build(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> nn.ModuleDict:
        """The networks by name, not yet filled."""

    @classmethod
    def statistics(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> dict[str, Tensor]:
        """What scoring needs beside the networks, as it is before it was taken from the training
        images. Kept in `learned`."""
        return {}

    def fill(self, networks: nn.ModuleDict, generator: torch.Generator) -> None:
        """Fill the weights."""
        initialise(networks, generator)

    def begin_epoch(self) -> None:
        self.epoch += 1
        p = self.parameters
        factor = rate_factor(p.cooldown, epochs=p.epochs, epoch=self.epoch)
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = factor * p.learning_rate
        self.networks.train()

    def prepare_to_score(self, images: Pixels) -> None:
        renew_statistics(self.scorer(), even_batches(images, self.device))

    def score(self, images: Pixels) -> Scores:
        return output_of(self.scorer(), images, self.device)

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "networks": self.networks.state_dict(),
            "learned": self.learned,
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "shuffling": self.shuffling.get_state(),
            "sampling": self.sampling.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self.networks.load_state_dict(state["networks"])
        for name, value in self.learned.items():
            value.copy_(state["learned"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.shuffling.set_state(state["shuffling"])
        self.sampling.set_state(state["sampling"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, PublishedParameters)
        with torch.device("meta"):
            networks = cls.build(parameters, image_shape)
        needed = [kept(networks[name]) for name in cls.scored_with]
        needed.append(cls.statistics(parameters, image_shape))
        return sum(value.numel() for state in needed for value in state.values())

    def weights(self) -> dict[str, Tensor]:
        return copied(self._scoring_state())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        take_weights(weights, self._scoring_state())

    def _scoring_state(self) -> dict[str, Tensor]:
        return {**kept(self.scoring), **self.learned}


def fill_by_xavier(networks: nn.Module, generator: torch.Generator, gain: float = 1.0) -> None:
    """Weights of convolutions and linear layers uniform by Xavier's bound, biases 0."""
    for part in networks.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight, gain, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def for_scoring(network: nn.Module) -> nn.Module:
    """A copy of a network whose normalised weights are numbers by now, and not found anew for each
    batch. Its statistics of BatchNorm are its own: gather those of the network itself before."""
    settled = copy.deepcopy(network).eval()
    for layer in list(settled.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear) and parametrize.is_parametrized(layer):
            # torch's own removal changes the class, which the copy has in common.
            weight = nn.Parameter(layer.weight.detach())
            layer.__class__ = type(layer).__bases__[0]
            del layer.parametrizations
            layer.weight = weight
    return settled
