"""Dropout whose random numbers are drawn before, as those of all training here are."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Dropping(nn.Module):
    """Stages in a row, each followed by dropout."""

    def __init__(
        self, stages: Sequence[nn.Module], shapes: Sequence[tuple[int, ...]], dropped: float = 0.2
    ) -> None:
        """shapes: of what each stage gives for one sample. dropped: the share of it that is 0."""
        super().__init__()
        self.stages, self.shapes, self.dropped = nn.ModuleList(stages), shapes, dropped

    @property
    def values(self) -> int:
        """How many numbers are drawn for a sample."""
        return sum(math.prod(shape) for shape in self.shapes)

    def draw(self, count: int, generator: torch.Generator, like: Tensor) -> Tensor:
        """What dropout leaves, (count, values): 0, or what makes up for the others."""
        drawn = torch.rand(count, self.values, generator=generator, device=generator.device)
        return (drawn >= self.dropped).to(like.dtype) / (1 - self.dropped)

    def forward(self, x: Tensor, left: Tensor | None = None) -> Tensor:
        """left: from `draw`; None drops nothing."""
        at = 0
        for stage, shape in zip(self.stages, self.shapes, strict=True):
            x = stage(x)
            if left is not None:
                size = math.prod(shape)
                x = x * left[:, at : at + size].reshape(-1, *shape)
                at += size
        return x


class Discriminator(nn.Module):
    """A network with such dropout in one or several of its parts."""

    @property
    @abstractmethod
    def droppings(self) -> tuple[Dropping, ...]:
        """Those parts."""

    def draw(self, count: int, generator: torch.Generator, like: Tensor) -> Tensor:
        """What dropout leaves of all parts, (count, values)."""
        return torch.cat([part.draw(count, generator, like) for part in self.droppings], dim=1)

    def divided(self, left: Tensor | None) -> tuple[Tensor | None, ...]:
        """What was drawn, by part."""
        if left is None:
            return (None,) * len(self.droppings)
        return torch.split(left, [part.values for part in self.droppings], dim=1)
