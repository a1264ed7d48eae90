"""MEMGAN over self-supervised features: a network that names quarter turns, then MEMGAN on it.

The first stage is that of 1803.07728 for one-class detection (1805.10917, 2011.02578); the second
is Eq. 8 on vectors, or one of two anchors on the same vectors, to be compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, MemganTurnsParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Detector
from memgan.detectors.look import Look
from memgan.detectors.memgan import Memgan
from memgan.detectors.parts.batches import in_batches, output_of
from memgan.detectors.parts.networks import encoder_of, generator_of
from memgan.detectors.parts.weights import copied, kept, take_weights
from memgan.detectors.turning.anchors import Anchor, Gaussian, TurnNeighbours
from memgan.detectors.turning.turn_features import TurnFeatures
from memgan.detectors.turning.turn_net import TurnNet
from memgan.detectors.turning.turns import TURNS
from memgan.errors import BundleError
from memgan.features import FeatureCache

_SECOND = "second."


class MemganTurns(Detector):
    """Scored by the second stage on the features of the first. Until the second stage has been
    trained, the score is the surprise of the network at the turns."""

    name = "memgan-turns"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, MemganTurnsParameters)
        self.parameters = p = parameters
        self.features = TurnFeatures(p, **arguments)
        self.memgan: Memgan | None = None
        self.anchor: Anchor | None = None
        if p.second_stage == "memgan":
            self.memgan = Memgan(_of_memgan(p), vectors=self.features, **arguments)
        elif p.second_stage == "gaussian":
            self.anchor = Gaussian(self.features.count)
        else:
            self.anchor = TurnNeighbours(self.features.count, p.neighbours)
        self.epoch = 0
        self.second_trained = torch.zeros(1, dtype=torch.uint8)
        """1 once the second stage scores."""

    def change(self, parameters: DetectorParameters) -> None:
        assert isinstance(parameters, MemganTurnsParameters)
        self.parameters = parameters
        if self.memgan:  # All that may change is MEMGAN's.
            self.memgan.change(_of_memgan(parameters))

    def keep_features(self, cache: FeatureCache | None) -> None:
        """Its own network's features lie in no file: they are remembered while it is trained."""
        self.features.holds = cache is not None
        self.features.forget()

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        self.epoch += 1
        first = self.parameters.net_epochs
        if self.epoch <= first:
            losses = {"turns": self.features.fit_epoch(images)}
            if self.epoch == first:
                self.features.prepare_to_score(images)
                self._fit_anchor(images)
            return losses
        self.second_trained.fill_(1)
        return self.memgan.fit_epoch(images) if self.memgan else {}

    def _fit_anchor(self, images: Pixels) -> None:
        if self.anchor:
            self.anchor.fit(self.features.of(images))
            self.second_trained.fill_(1)

    def prepare_to_score(self, images: Pixels) -> None:
        if self.epoch < self.parameters.net_epochs:
            self.features.prepare_to_score(images)
        elif self.memgan and self._second_scores:
            self.memgan.prepare_to_score(images)

    @property
    def _second_scores(self) -> bool:
        return bool(self.second_trained)

    def score(self, images: Pixels) -> Scores:
        if not self._second_scores:
            return output_of(self.scorer(), images, self.device)
        if self.memgan:
            return self.memgan.score(images)
        assert self.anchor
        rows = self.features.of(images)
        return in_batches(self.anchor.scoring(), rows, torch.device("cpu"))

    def look(self, images: Pixels) -> Look | None:
        return self.memgan.look(images) if self.memgan and self._second_scores else None

    def scorer(self) -> nn.Module:
        self.features.eval()
        if not self._second_scores:
            return _Surprise(self.features).eval()
        if self.memgan:
            return self.memgan.scorer()
        assert self.anchor
        return _OfAnchor(self.features, self.anchor.scoring()).eval()

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "features": self.features.training_state(),
            "second_trained": self.second_trained,
            "memgan": self.memgan.state_dict() if self.memgan else {},
            "anchor": dict(self.anchor.learned) if self.anchor else {},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self.features.load_training_state(state["features"])
        self.second_trained.copy_(state["second_trained"])
        if self.memgan:
            self.memgan.load_state_dict(state["memgan"])
        if self.anchor:
            self.anchor.learned = dict(state["anchor"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, MemganTurnsParameters)
        p = parameters
        with torch.device("meta"):
            net = TurnNet(image_shape[0], p.net_width)
            shape = (TURNS * net.count,)
            parts: list[nn.Module] = [net]
            if p.second_stage == "memgan":
                parts.append(encoder_of(shape, p.memory_dim, p.width))
                parts.append(generator_of(shape, p.memory_dim, p.width))
        memory = p.memory_units * p.memory_dim if p.second_stage == "memgan" else 0
        return memory + sum(value.numel() for part in parts for value in kept(part).values())

    def weights(self) -> dict[str, Tensor]:
        learned = self.anchor.learned if self.anchor and self._second_scores else {}
        return copied({**self._own_state(), **_named(_SECOND, learned)})

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        if self.memgan:
            take_weights(weights, self._own_state())
            self.memgan.learned_anew()
        else:
            self._load_with_anchor(weights)
        self.features.forget()

    def _load_with_anchor(self, weights: Mapping[str, Tensor]) -> None:
        assert self.anchor
        own = {name: v for name, v in weights.items() if not name.startswith(_SECOND)}
        learned = {name.removeprefix(_SECOND): v for name, v in weights.items() if name not in own}
        if learned:
            self.anchor.check(learned)
        elif bool(own.get("second_trained", torch.zeros(1)).any()):
            raise BundleError("weights lack the second stage; export the bundle again")
        take_weights(own, self._own_state())
        self.anchor.learned = learned

    def _own_state(self) -> dict[str, Tensor]:
        """What scoring needs and has a shape that is known beforehand; the tensors themselves."""
        memgan = self.memgan.scoring_state() if self.memgan else {}
        return {
            **_named("net.", self.features.scoring_state()),
            **_named(_SECOND, memgan),
            "second_trained": self.second_trained,
        }


def _of_memgan(parameters: MemganTurnsParameters) -> MemganTurnsParameters:
    """MEMGAN's own share of the epochs."""
    left = parameters.epochs - parameters.net_epochs
    return parameters.model_copy(update={"epochs": left})


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


class _Surprise(nn.Module):
    """The network's surprise from pixels on."""

    def __init__(self, features: TurnFeatures) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (self.features.surprise(images),)


class _OfAnchor(nn.Module):
    """An anchor from pixels on."""

    def __init__(self, features: TurnFeatures, scoring: nn.Module) -> None:
        super().__init__()
        self.features, self.scoring = features, scoring

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (self.scoring(self.features(images)),)
