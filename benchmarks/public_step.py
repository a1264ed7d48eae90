"""A step of MEMGAN as public implementations of such models take it: the baseline of benchmarks.

The networks are ours; all around them is written the usual way. A DataLoader gives batches of
float images. Discriminator, the encoder and generator in their game, and the reconstruction have
a forward and a backward pass of their own. BatchNorm keeps running statistics, the losses are read
with `.item()` in every step, and arithmetic is float32.
"""

from __future__ import annotations

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
        self.memory = nn.Parameter(torch.randn(p.memory_units, p.memory_dim, device=device))
        for network in (self.encoder, self.generator):
            for layer in network.modules():
                if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                    layer.momentum = 0.1
        betas = (p.beta1, p.beta2)
        self.optimisers = [
            torch.optim.Adam(values, lr=1e-3, betas=betas)
            for values in (
                self.encoder.parameters(),
                self.generator.parameters(),
                self.discriminator.parameters(),
                [self.memory],
            )
        ]

    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        """One pass over uint8 (N, C, H, W)."""
        data = TensorDataset(torch.from_numpy(images).float() / 127.5 - 1)
        loader = DataLoader(data, self.parameters.batch_size, shuffle=True, drop_last=True)
        totals = dict.fromkeys(("discriminator", "game", "rebuilding"), 0.0)
        for (batch,) in loader:
            x = batch.to(self.device)
            totals["discriminator"] += self._step_of_discriminator(x)
            totals["game"] += self._step_of_game(x)
            totals["rebuilding"] += self._step_of_rebuilding(x)
        return {name: total / len(loader) for name, total in totals.items()}

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
        projected = torch.softmax(code @ self.memory.T, dim=1) @ self.memory
        rebuilt = self.generator(projected)
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
