"""Deep SVDD (Ruff et al. 2018): a network draws codes of normal images together around a centre.

Its one-class objective, without the soft boundary. The first epochs train `dcae`, whose encoder
the network starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from memgan.config import DetectorParameters, DsvddParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Detector
from memgan.detectors.dcae import Dcae
from memgan.detectors.parts.batches import in_batches, output_of
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.cooling import rate_factor
from memgan.detectors.parts.epochs import mean_losses
from memgan.detectors.parts.weights import copied, kept, take_weights

_LEAST = 0.1


class Dsvdd(Detector):
    """Trained by the mean of ‖φ(x) − c‖², which is the score of an image too.

    While the autoencoder is trained, c is the mean code; then it stays where it is.
    """

    name = "dsvdd"

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        assert isinstance(parameters, DsvddParameters)
        self.parameters = parameters
        self.autoencoder = Dcae(parameters, **arguments)
        self.encoder = self.autoencoder.parts.encoder
        self.optimiser = self.autoencoder.adam(self.encoder)
        self.centre = torch.zeros(parameters.code_dim, device=self.device)
        self.epoch = 0

    @property
    def pretraining_epochs(self) -> int:
        """Of the autoencoder."""
        epochs = self.parameters.epochs
        return min(round(self.parameters.pretraining * epochs), epochs - 1)

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        if self.epoch == self.pretraining_epochs:
            self.centre.copy_(away_from_zero(self._mean_code(images)))
        self.epoch += 1
        if self.epoch <= self.pretraining_epochs:
            return self.autoencoder.fit_epoch(images)
        p = self.parameters
        factor = rate_factor(p.cooldown, epochs=p.epochs, epoch=self.epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = factor * p.learning_rate
        self.encoder.train()
        return mean_losses(
            images,
            self._step,
            batch_size=p.batch_size,
            shuffling=self.autoencoder.shuffling,
            device=self.device,
        )

    def _step(self, pixels: Tensor) -> dict[str, Tensor]:
        distance = _squared(self._codes(pixels), self.centre).mean()
        self.optimiser.zero_grad()
        torch.autograd.backward(distance)
        self.optimiser.step()
        return {"distance": distance.detach()}

    def prepare_to_score(self, images: Pixels) -> None:
        if self.epoch <= self.pretraining_epochs:
            self.centre.copy_(self._mean_code(images))
        else:
            self._renew(images)

    def _mean_code(self, images: Pixels) -> Tensor:
        self._renew(images)
        return torch.from_numpy(in_batches(self._codes, images, self.device)).mean(dim=0)

    def _renew(self, images: Pixels) -> None:
        renew_statistics(self.scorer(), even_batches(images, self.device))

    def _codes(self, pixels: Tensor) -> Tensor:
        normalised = self.parameters.contrast_normalised
        codes: Tensor = self.encoder(see(pixels, contrast_normalised=normalised).x)
        return codes

    def scorer(self) -> nn.Module:
        self.encoder.eval()
        return _Scorer(self.encoder, self.centre, self.parameters.contrast_normalised)

    def score(self, images: Pixels) -> Scores:
        return output_of(self.scorer(), images, self.device)

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "autoencoder": self.autoencoder.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "centre": self.centre,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self.autoencoder.load_state_dict(state["autoencoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.centre.copy_(state["centre"])

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        assert isinstance(parameters, DsvddParameters)
        with torch.device("meta"):
            encoder = Dcae.net(parameters, image_shape).encoder
        return parameters.code_dim + sum(value.numel() for value in kept(encoder).values())

    def weights(self) -> dict[str, Tensor]:
        return copied(self._scoring_state())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        take_weights(weights, self._scoring_state())

    def _scoring_state(self) -> dict[str, Tensor]:
        return {**kept(self.encoder), "centre": self.centre}


def away_from_zero(centre: Tensor) -> Tensor:
    """Each coordinate nearer to 0 than 0.1 moved to 0.1 with its sign: a coordinate of 0 would be
    met by weights of 0, whatever the image."""
    least = torch.where(centre < 0, -_LEAST, _LEAST)
    return torch.where(centre.abs() < _LEAST, least, centre)


def _squared(codes: Tensor, centre: Tensor) -> Tensor:
    """‖φ(x) − c‖², (B,)."""
    return ((codes - centre) ** 2).sum(dim=1)


class _Scorer(nn.Module):
    centre: Tensor

    def __init__(self, encoder: nn.Module, centre: Tensor, normalised: bool) -> None:
        super().__init__()
        self.encoder, self.normalised = encoder, normalised
        self.register_buffer("centre", centre)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        codes = self.encoder(see(images, contrast_normalised=self.normalised).x)
        return (_squared(codes, self.centre).to(torch.float64),)
