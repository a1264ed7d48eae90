"""DAGMM (Zong et al., ICLR 2018): an autoencoder and a Gaussian mixture of its codes and errors.

The form for images of the papers' tables: convolutions in place of the paper's dense layers.
Sections and equations are the paper's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import DagmmParameters, DetectorParameters, PublishedParameters
from memgan.data import Pixels
from memgan.detectors.base import Rebuilt
from memgan.detectors.look import Look
from memgan.detectors.parts.batches import in_batches, output_of
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.stepwise import Move
from memgan.detectors.published.convolutions import contracting, expanding, halved
from memgan.detectors.published.several import Several, fill_by_xavier
from memgan.errors import BundleError

_LEVELS = 3
_HIDDEN = (64, 10)
_DROPPED = 0.5
_ERRORS = 2
"""What joins the code: the relative distance and the cosine."""
_TINY = 1e-12
_LEAST_LENGTH = 1e-3
"""An image counts as at least so long; one of plain middle grey has no length at all."""


class Mixture(NamedTuple):
    """φ (K,), μ (K, D) and Σ (K, D, D), float64."""

    shares: Tensor
    means: Tensor
    covariances: Tensor


class Dagmm(Several):
    """Scored by the energy of an image, −log of its density in the mixture of all training images
    (Eq. 6)."""

    name = "dagmm"
    scored_with = ("encoder", "decoder")
    betas = MappingProxyType(dict.fromkeys(("encoder", "decoder", "estimator"), (0.9, 0.999)))
    parameters: DagmmParameters

    def __init__(self, parameters: DetectorParameters, **arguments: Any) -> None:
        super().__init__(parameters, **arguments)
        self.encoder, self.decoder = self.networks["encoder"], self.networks["decoder"]
        self.estimator = self.networks["estimator"]

    @classmethod
    def build(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> nn.ModuleDict:
        p = parameters
        assert isinstance(p, DagmmParameters)
        channels, height, breadth = image_shape
        widths = [channels, p.width, 2 * p.width, 4 * p.width]
        sizes = halved(height, breadth, _LEVELS)
        code = nn.Linear(widths[-1] * math.prod(sizes[-1]), p.code_dim)
        return nn.ModuleDict(
            {
                "encoder": nn.Sequential(contracting(widths, nn.ReLU, norm=True), code),
                "decoder": expanding(p.code_dim, widths, sizes),
                "estimator": _Estimator(p.code_dim + _ERRORS, p.components),
            }
        )

    @classmethod
    def statistics(
        cls, parameters: PublishedParameters, image_shape: tuple[int, int, int]
    ) -> dict[str, Tensor]:
        assert isinstance(parameters, DagmmParameters)
        count, size = parameters.components, parameters.code_dim + _ERRORS
        return {
            "shares": torch.full((count,), 1 / count, dtype=torch.float64),
            "means": torch.zeros(count, size, dtype=torch.float64),
            "covariances": torch.eye(size, dtype=torch.float64).repeat(count, 1, 1),
        }

    def fill(self, networks: nn.ModuleDict, generator: torch.Generator) -> None:
        fill_by_xavier(networks, generator)

    @property
    def moves(self) -> Sequence[Callable[..., Move]]:
        return (self._move,)

    def draw(self, x: Tensor) -> tuple[Tensor, ...]:
        """What dropout leaves of each hidden layer: 0, or what makes up for the others."""
        return tuple(
            (torch.rand(len(x), n, generator=self.sampling, device=self.device) >= _DROPPED).to(
                x.dtype
            )
            / (1 - _DROPPED)
            for n in _HIDDEN
        )

    def _move(self, x: Tensor, *left: Tensor) -> Move:
        p, codes = self.parameters, self.encoder(x)
        rebuilt = self.decoder(codes)
        points = represent(x, rebuilt, codes)
        mixture = fit_mixture(points, self.estimator(points, *left), p.jitter)
        residual = ((x - rebuilt) ** 2).mean()
        energy = energies(points, *factors(mixture)).mean().to(x.dtype)
        narrow = narrowness(mixture.covariances).to(x.dtype)
        total = residual + p.energy_weight * energy + p.narrowness_weight * narrow
        return Move(
            {("encoder", "decoder", "estimator"): total},  # Eq. 7
            {
                "residual": residual,
                "energy": energy,
                "narrowness": narrow,
                "largest_share": mixture.shares.max().to(x.dtype),  # 1 where all is one component
            },
        )

    @torch.no_grad()
    def look(self, images: Pixels) -> Look:
        self.networks.train()  # BatchNorm keeps nothing of it.
        x = self.see(torch.tensor(images, device=self.device)).x
        return Look(x, self.decoder(self.encoder(x)))

    def prepare_to_score(self, images: Pixels) -> None:
        """Statistics of BatchNorm, then the mixture of all training images as they are scored."""
        super().prepare_to_score(images)
        self.estimator.eval()

        def represented(pixels: Tensor) -> Tensor:
            x = self.see(pixels).x
            codes = self.encoder(x)
            points = represent(x, self.decoder(codes), codes)
            return torch.cat([points, self.estimator(points)], dim=1)

        found = torch.from_numpy(in_batches(represented, images, self.device)).to(self.device)
        p = self.parameters
        size = p.code_dim + _ERRORS
        mixture = fit_mixture(found[:, :size], found[:, size:], p.jitter)
        for name, value in mixture._asdict().items():
            self.learned[name].copy_(value)

    def rebuild(self, images: Pixels) -> Rebuilt:
        return output_of(self.scorer(), images, self.device, output=1)

    def scorer(self) -> nn.Module:
        mixture = Mixture(**self.learned)
        normalised = self.parameters.contrast_normalised
        return _Scorer(self.encoder, self.decoder, mixture, normalised).eval()

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        given = weights.get("covariances")
        if given is not None and given.shape == self.learned["covariances"].shape:
            _, failed = torch.linalg.cholesky_ex(given.double())
            if failed.any():
                raise BundleError("weights 'covariances' are those of no Gaussian")
        super().load_weights(weights)


def represent(x: Tensor, rebuilt: Tensor, codes: Tensor) -> Tensor:
    """z = [c, ‖x − x̂‖₂ / ‖x‖₂, cos(x, x̂)], (B, d + 2) (Eqs. 1 to 3)."""
    images, made = x.flatten(1), rebuilt.flatten(1)
    length = torch.linalg.vector_norm(images, dim=1).clamp_min(_LEAST_LENGTH)
    apart = torch.linalg.vector_norm(images - made, dim=1) / length
    of_made = torch.linalg.vector_norm(made, dim=1).clamp_min(_LEAST_LENGTH)
    cosine = (images * made).sum(dim=1) / (length * of_made)
    return torch.cat([codes, apart[:, None], cosine[:, None]], dim=1)


def fit_mixture(points: Tensor, memberships: Tensor, jitter: float) -> Mixture:
    """φ, μ and Σ of points z, (N, D), with memberships γ, (N, K), rows on the simplex (Eq. 5).

    jitter: ε, added to each variance. Public code adds random numbers there.
    """
    z, gamma = points.double(), memberships.double()
    weights = gamma / gamma.sum(dim=0).clamp_min(_TINY)
    means = weights.T @ z
    apart = z[:, None] - means
    covariances = torch.einsum("nk,nki,nkj->kij", weights, apart, apart)
    eye = torch.eye(z.shape[1], dtype=torch.float64, device=z.device)
    return Mixture(gamma.mean(dim=0), means, covariances + jitter * eye)


def factors(mixture: Mixture) -> tuple[Tensor, Tensor, Tensor]:
    """What energies need of a mixture: μ, L⁻¹ with Σ = LLᵀ, (K, D, D), and of each component the
    logarithm of φ over the root of |2πΣ|, (K,)."""
    lower, _ = torch.linalg.cholesky_ex(mixture.covariances)
    size = lower.shape[-1]
    eye = torch.eye(size, dtype=lower.dtype, device=lower.device).expand_as(lower)
    inverse = torch.linalg.solve_triangular(lower, eye, upper=False)
    half = lower.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1) + size / 2 * math.log(2 * math.pi)
    return mixture.means, inverse, mixture.shares.clamp_min(_TINY).log() - half


def energies(points: Tensor, means: Tensor, inverse: Tensor, heights: Tensor) -> Tensor:
    """−log Σ_k φ_k N(z; μ_k, Σ_k) of points (N, D), float64 (N,) (Eq. 6). The others: `factors`."""
    apart = points.double()[:, None] - means
    whitened = (apart[:, :, None, :] * inverse).sum(dim=3)
    logs = heights - (whitened**2).sum(dim=2) / 2
    # logsumexp, written out, as onnxruntime has none of float64.
    top = logs.detach().amax(dim=1, keepdim=True)
    return -(top[:, 0] + (logs - top).exp().sum(dim=1).log())


def narrowness(covariances: Tensor) -> Tensor:
    """Σ_k Σ_j 1 / Σ_k,jj, which keeps variances from 0 (P in Eq. 7)."""
    return (1 / covariances.diagonal(dim1=-2, dim2=-1)).sum()


class _Estimator(nn.Module):
    """γ: z (B, D) → (B, K), rows on the simplex (Eq. 4)."""

    def __init__(self, size: int, components: int) -> None:
        super().__init__()
        first, second = _HIDDEN
        self.first, self.second = nn.Linear(size, first), nn.Linear(first, second)
        self.head = nn.Linear(second, components)

    def forward(self, points: Tensor, *left: Tensor) -> Tensor:
        """left: factors of the hidden layers, which dropout draws; none when scoring."""
        hidden = points
        for number, layer in enumerate((self.first, self.second)):
            hidden = torch.tanh(layer(hidden))
            hidden = hidden * left[number] if left else hidden
        return F.softmax(self.head(hidden), dim=1)


class _Scorer(nn.Module):
    means: Tensor
    inverse: Tensor
    heights: Tensor

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, mixture: Mixture, normalised: bool
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.normalised = encoder, decoder, normalised
        for name, value in zip(("means", "inverse", "heights"), factors(mixture), strict=True):
            self.register_buffer(name, value)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = see(images, contrast_normalised=self.normalised)
        codes = self.encoder(seen.x)
        rebuilt = self.decoder(codes)
        points = represent(seen.x, rebuilt, codes)
        scores = energies(points, self.means, self.inverse, self.heights)
        return scores, seen.to_grey(rebuilt)
