"""A step of MEMGAN as public implementations of such models take it: the baseline of benchmarks.

The networks are ours; all around them is written the usual way. A DataLoader gives batches of
float images. Discriminator, the encoder and generator in their game, and the reconstruction have
a forward and a backward pass of their own. BatchNorm is torch's own and keeps running statistics,
with which images are scored. The losses are read with `.item()` in every step, and arithmetic is
float32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from memgan.config import MemganParameters
from memgan.data import Pixels
from memgan.detectors.parts.networks import Discriminator, Encoder, Generator


class PublicMemgan:
    """Trains epoch by epoch; `fit_epoch` gives the mean losses."""

    def __init__(
        self, parameters: MemganParameters, image_shape: tuple[int, int, int], device: torch.device
    ) -> None:
        p, self.device = parameters, device
        self.parameters = parameters
        size = (image_shape, p.memory_dim, p.width)
        self.encoder = Encoder(*size).to(device)
        self.generator = Generator(*size).to(device)
        self.discriminator = Discriminator(*size).to(device)
        start = p.memory_std * torch.randn(p.memory_units, p.memory_dim)
        self.memory = nn.Parameter(start.to(device))
        for network in (self.encoder, self.generator):
            _give_usual_batchnorm(network)
            network.to(device)
        rate, betas = p.learning_rate, (p.beta1, p.beta2)
        self.optimisers = [
            torch.optim.Adam(self.encoder.parameters(), lr=rate.encoder, betas=betas),
            torch.optim.Adam(self.generator.parameters(), lr=rate.generator, betas=betas),
            torch.optim.Adam(self.discriminator.parameters(), lr=rate.discriminator, betas=betas),
            torch.optim.Adam([self.memory], lr=rate.memory, betas=betas),
        ]

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        """One pass over uint8 (N, C, H, W)."""
        data = TensorDataset(_as_floats(images))
        loader = DataLoader(data, self.parameters.batch_size, shuffle=True, drop_last=True)
        totals = dict.fromkeys(("discriminator", "game", "rebuilding"), 0.0)
        for (batch,) in loader:
            x = batch.to(self.device)
            totals["discriminator"] += self._step_of_discriminator(x)
            totals["game"] += self._step_of_game(x)
            totals["rebuilding"] += self._step_of_rebuilding(x)
        return {name: total / len(loader) for name, total in totals.items()}

    @torch.no_grad()
    def score(self, images: Pixels) -> npt.NDArray[np.float64]:
        """How far images, uint8 (N, C, H, W), lie from their reconstructions, float64 (N,)."""
        for network in (self.encoder, self.generator):
            network.eval()
        scores = []
        for (batch,) in DataLoader(TensorDataset(_as_floats(images)), batch_size=256):
            x = batch.to(self.device)
            scores.append((x - self._rebuilt(self.encoder(x))[0]).flatten(1).norm(dim=1).cpu())
        for network in (self.encoder, self.generator):
            network.train()
        return torch.cat(scores).double().numpy()

    def _rebuilt(self, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        projected = torch.softmax(code @ self.memory.T, dim=1) @ self.memory
        return self.generator(projected), projected

    def _samples(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        noise = torch.randn(count, self.parameters.memory_units, device=self.device)
        addresses = torch.softmax(self.parameters.sharpness * noise, dim=1)
        return addresses, addresses @ self.memory

    def _step_of_discriminator(self, x: torch.Tensor) -> float:
        discriminator = self.optimisers[2]
        discriminator.zero_grad()
        _, z = self._samples(len(x))
        real = self.discriminator(x, self.encoder(x).detach())
        fake = self.discriminator(self.generator(z).detach(), z.detach())
        loss = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        loss = loss + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        loss.backward()
        discriminator.step()
        return loss.item()

    def _step_of_game(self, x: torch.Tensor) -> float:
        encoder, generator, *_ = self.optimisers
        encoder.zero_grad()
        generator.zero_grad()
        _, z = self._samples(len(x))
        real = self.discriminator(x, self.encoder(x))
        fake = self.discriminator(self.generator(z), z.detach())
        loss = F.binary_cross_entropy_with_logits(real, torch.zeros_like(real))
        loss = loss + F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
        loss.backward()
        encoder.step()
        generator.step()
        return loss.item()

    def _step_of_rebuilding(self, x: torch.Tensor) -> float:
        encoder, generator, _, memory = self.optimisers
        for optimiser in (encoder, generator, memory):
            optimiser.zero_grad()
        p = self.parameters
        code = self.encoder(x)
        rebuilt, projected = self._rebuilt(code)
        cycle = (x - rebuilt).flatten(1).norm(dim=1).mean()
        projection = (code - projected).norm(dim=1).mean()
        addresses, z = self._samples(len(x))
        recovered = torch.log_softmax(self.encoder(self.generator(z)) @ self.memory.T, dim=1)
        information = -(addresses * recovered).sum(dim=1).mean()
        loss = (
            p.cycle_weight * cycle
            + p.projection_weight * projection
            + p.mutual_information_weight * information
        )
        loss.backward()
        for optimiser in (encoder, generator, memory):
            optimiser.step()
        return loss.item()


def _as_floats(images: Pixels) -> torch.Tensor:
    """uint8 as float32 in [-1, 1]."""
    return torch.from_numpy(images).float() / 127.5 - 1


def _give_usual_batchnorm(network: nn.Module) -> None:
    """Torch's own layers in the place of ours, which keep no running statistics."""
    for parent in network.modules():
        for name, layer in list(parent.named_children()):
            for kind in (nn.BatchNorm1d, nn.BatchNorm2d):
                if isinstance(layer, kind):
                    setattr(parent, name, kind(layer.num_features))
