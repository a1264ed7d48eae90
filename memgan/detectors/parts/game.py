"""What keeps a game alive: R1, noise on what D sees, and spectral normalisation.

All of it is a function of weights and of numbers drawn before, without a state of its own, so that
it holds as it is for detectors that are trained as one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_SQUARINGS = 8
"""Each doubles the number of power iterations: 256."""
_TINY = 1e-12


def r1_penalty(discriminator: nn.Module, x: Tensor, code: Tensor) -> Tensor:
    """½ E‖∇ D(x, E(x))‖², over image and code (arXiv 1801.04406). x: (B, C, H, W), code: (B, d),
    both detached."""

    def summed(x: Tensor, code: Tensor) -> Tensor:
        logits: Tensor = discriminator(x, code)
        return logits.sum()  # D takes each sample by itself.

    of_x, of_code = torch.func.grad(summed, argnums=(0, 1))(x, code)
    squared: Tensor = of_x.flatten(1).square().sum(dim=1) + of_code.square().sum(dim=1)
    return squared.mean() / 2


def noise_left(noise: float, *, epoch: int, epochs: int) -> float:
    """The standard deviation in an epoch, counted from 1: all of it in the first, and nothing after
    the last."""
    return noise * max(0.0, 1 - (epoch - 1) / epochs)


def draw_blur(
    shapes: Sequence[tuple[Sequence[int], float]], generator: torch.Generator, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    """N(0, s²) of each shape, with its own s."""
    return tuple(
        s * torch.randn(*shape, generator=generator, device=generator.device).to(dtype)
        for shape, s in shapes
    )


def with_noise(shown: Sequence[Tensor], noise: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """x, E(x), G(z) and z as D sees them. noise: of the same shapes in the same order, or
    nothing."""
    if not noise:
        return tuple(shown)
    return tuple(clear + blur for clear, blur in zip(shown, noise, strict=True))


def normalise_spectrally(network: nn.Module) -> None:
    """Have every convolution and linear layer of `network` use its weights over their largest
    singular value, once they are filled."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            parametrize.register_parametrization(layer, "weight", _OfUnitNorm())


class _OfUnitNorm(nn.Module):
    """W / σ(W), of W as a matrix of one row an output."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight / largest_singular_value(weight.flatten(1))


def largest_singular_value(matrix: Tensor) -> Tensor:
    """σ of (m, n), differentiable, by power iterations from no start vector: powers of W Wᵀ."""
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    power = gram.detach()
    for _ in range(_SQUARINGS):
        power = power / power.trace().clamp_min(_TINY)
        power = power @ power
    # Nearly u uᵀ, so that this is uᵀ (W Wᵀ) u.
    along = power / power.trace().clamp_min(_TINY)
    return (along * gram).sum().clamp_min(_TINY).sqrt()
