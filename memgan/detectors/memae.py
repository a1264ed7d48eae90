"""MemAE (arXiv 1904.02639): an autoencoder that may only rebuild from sparse mixtures of a memory.

Its paper states networks for grey and for colour images; these are them, for any size. Addresses
are dot products, as in its public code, or cosines, as in its text; see
docs/explanation/science.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import MemaeParameters, RebuilderParameters
from memgan.detectors.look import Look, MemoryLook
from memgan.detectors.parts.batchnorm import BatchNorm2d
from memgan.detectors.parts.memory import address_logits
from memgan.detectors.parts.networks import hidden, perceptron
from memgan.detectors.parts.rebuilder import Rebuilder
from memgan.detectors.parts.stepwise import Move

_EPSILON = 1e-12
_GREY = (1, 2, 4)
_COLOUR = (1, 2, 2, 4)
"""Channels of the convolutions, in units of `width`: 16 and 64 in the paper."""

_Parts = tuple[nn.Module, nn.Module, int]
"""Encoder, decoder, and the values of a code."""


class Memae(Rebuilder):
    """Trained by ‖x − x̂‖² and the entropy of addresses, scored by ‖x − x̂‖²."""

    name = "memae"
    squared = True
    parts: _Net

    @classmethod
    def net(cls, parameters: RebuilderParameters, shape: tuple[int, ...]) -> nn.Module:
        assert isinstance(parameters, MemaeParameters)
        return _Net(shape, parameters)

    def _start(self, net: nn.Module, generator: torch.Generator) -> None:
        super()._start(net, generator)
        assert isinstance(net, _Net)
        span = 1 / math.sqrt(net.memory.shape[1])
        nn.init.uniform_(net.memory, -span, span, generator=generator)
        self.memory_start = net.memory.detach().clone()

    def look_at(self, x: Tensor) -> Look:
        codes, start = self.parts.encoder(x), self.memory_start.to(x)
        addresses = self.parts.addresses_of(codes)
        memory = MemoryLook(codes, addresses, self.parts.memory, start)
        return Look(x, self.parts.decode(addresses), memory)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "memory_start": self.memory_start}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.memory_start = state.get("memory_start", self.memory_start)

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        return (self._move,)

    def _move(self, x: Tensor) -> Move:
        assert isinstance(self.parameters, MemaeParameters)
        addresses = self.parts.addresses(x)
        residual = self.distance(x, self.parts.decode(addresses)).mean()
        entropy = address_entropy(addresses)
        return Move(
            {("net",): residual + self.parameters.entropy_weight * entropy},
            {"residual": residual, "entropy": entropy},
        )


def shrink(weights: Tensor, threshold: float) -> Tensor:
    """ŵ, (B, n): what is not above λ, the `threshold`, becomes 0, and the rest sums to 1.

    weights: softmax addresses, (B, n). A row with nothing above the threshold is all 0. The paper
    writes max(w − λ, 0) · w / (|w − λ| + ε), which is this for ε to 0.
    """
    return F.normalize(weights * (weights > threshold), p=1, dim=1)


def address_entropy(addresses: Tensor) -> Tensor:
    """−Σᵢ ŵᵢ log ŵᵢ, mean over the batch. addresses: (B, n), rows on the simplex."""
    # Not torch.special.entr: its gradient at 0 is not finite.
    return -(addresses * (addresses + _EPSILON).log()).sum(dim=1).mean()


class _Net(nn.Module):
    """Encoder, memory (n, d) and decoder; one memory item is one flattened code."""

    def __init__(self, shape: tuple[int, ...], p: MemaeParameters) -> None:
        super().__init__()
        if len(shape) == 1:
            self.encoder, self.decoder, item = _of_vectors(shape[0], p.width)
        else:
            channels, height, breadth = shape
            self.encoder, self.decoder, item = _of_images(channels, height, breadth, p.width)
        self.memory = nn.Parameter(torch.empty(p.memory_units, item))
        self.threshold = p.shrinkage / p.memory_units
        self.cosine = p.similarity == "cosine"

    def addresses(self, images: Tensor) -> Tensor:
        """ŵ of images (B, C, H, W) or vectors (B, p), (B, n)."""
        return self.addresses_of(self.encoder(images))

    def addresses_of(self, codes: Tensor) -> Tensor:
        """ŵ of codes (B, d), (B, n)."""
        memory: Tensor = self.memory
        if self.cosine:
            codes, memory = F.normalize(codes, dim=1), F.normalize(memory, dim=1)
        return shrink(torch.softmax(address_logits(codes, memory), dim=1), self.threshold)

    def decode(self, addresses: Tensor) -> Tensor:
        """x̂ of ẑ = ŵM, of the shape of x."""
        rebuilt: Tensor = self.decoder(addresses @ self.memory)
        return rebuilt

    def forward(self, images: Tensor) -> Tensor:
        return self.decode(self.addresses(images))


def _of_images(channels: int, height: int, breadth: int, width: int) -> _Parts:
    factors = _GREY if channels == 1 else _COLOUR
    kernels = (1, *(3,) * (len(factors) - 1)) if channels == 1 else (3,) * len(factors)
    widths = [channels, *(width * factor for factor in factors)]
    sizes = [(height, breadth)]
    for _ in factors:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    item = widths[-1] * math.prod(sizes[-1])
    return _encoder(widths, kernels), _decoder(widths[::-1], sizes[::-1]), item


def _of_vectors(size: int, width: int) -> _Parts:
    """Our own choice; codes are as long as the paper's last convolution has channels."""
    inner, item = hidden(width), width * _COLOUR[-1]
    encoder = perceptron([size, inner, item], slope=0.2)
    return encoder, perceptron([item, inner, size], slope=0.2), item


def _encoder(widths: list[int], kernels: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kernel, (into, out) in zip(kernels, pairwise(widths), strict=True):
        layers += [
            # No bias before BatchNorm, as in the networks of MEMGAN.
            nn.Conv2d(into, out, kernel, stride=2, padding=kernel // 2, bias=False),
            BatchNorm2d(out),
            nn.LeakyReLU(0.2),
        ]
    return nn.Sequential(*layers, nn.Flatten())


def _decoder(widths: list[int], sizes: list[tuple[int, int]]) -> nn.Sequential:
    """widths, sizes: from the code to the image, each layer's before and after."""
    layers: list[nn.Module] = [nn.Unflatten(1, (widths[0], *sizes[0]))]
    last = len(widths) - 2
    for at, (into, out) in enumerate(pairwise(widths)):
        # What a stride of 2 leaves open: an even length came from one more than 2n − 1.
        odd = tuple(1 - length % 2 for length in sizes[at + 1])
        layers.append(
            nn.ConvTranspose2d(
                into, out, 3, stride=2, padding=1, output_padding=(odd[0], odd[1]), bias=at == last
            )
        )
        if at < last:
            layers += [BatchNorm2d(out), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)
