"""The residual as one score: over all pixels, over those that differ most, or over one window."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import ResidualParameters
from memgan.data import Pixels, Scores
from memgan.detectors.base import Rebuilt
from memgan.detectors.parts import losses
from memgan.detectors.parts.batches import in_batches, output_of
from memgan.detectors.parts.batchnorm import even_batches, renew_statistics
from memgan.detectors.parts.contrast import see
from memgan.detectors.parts.stepwise import Stepwise
from memgan.detectors.vectors.standardised import Standardised


class ResidualScore(nn.Module):
    """x and x̂, (B, C, H, W), to the score of each image, (B,).

    `mean` is ‖x − x̂‖ over the whole image, Eq. 8. The other two are mean squares: of the pixels
    that differ most, and of the window that does. A root is taken of them unless the detector's
    distance is a `squared` one.
    """

    def __init__(self, parameters: ResidualParameters, *, squared: bool) -> None:
        super().__init__()
        self.kind = parameters.score
        self.share, self.window = parameters.score_share, parameters.score_window
        self.squared = squared

    @property
    def local(self) -> bool:
        """Whether it takes a part of the pixels only."""
        return self.kind != "mean"

    def forward(self, x: Tensor, rebuilt: Tensor) -> Tensor:
        if self.kind == "mean":
            return (losses.squared_distance if self.squared else losses.distance)(x, rebuilt)
        by_pixel = ((x - rebuilt) ** 2).mean(dim=1)
        if self.kind == "top-share":
            squares = top_mean(by_pixel, self.share)
        else:
            squares = window_means(by_pixel, self.window).flatten(1).amax(dim=1)
        return squares if self.squared else squares.sqrt()


def top_mean(values: Tensor, share: float) -> Tensor:
    """Mean over the largest values of each map, (B,). values: (B, H, W); at least one is taken."""
    flat = values.flatten(1)
    kept = max(1, round(share * int(flat.shape[1])))
    return flat.topk(kept, dim=1, sorted=False).values.mean(dim=1)


def window_means(values: Tensor, window: int) -> Tensor:
    """Mean over each square window that lies wholly inside, in float32. values: (B, H, W); windows
    are no larger than that."""
    height, width = (min(window, int(length)) for length in values.shape[1:])
    # onnxruntime averages windows in float32 only. Rows, then columns: large windows cost little.
    rows = F.avg_pool2d(values.to(torch.float32)[:, None], (height, 1), stride=1)
    return F.avg_pool2d(rows, (1, width), stride=1)[:, 0]


class ResidualDetector(Stepwise):
    """A detector that trains by steps and scores how far x is from what it makes of x."""

    squared: ClassVar[bool] = False
    """Whether it is scored by ‖x − x̂‖², and not by ‖x − x̂‖₂."""

    @abstractmethod
    def rebuilding(self) -> nn.Module:
        """x → x̂, in evaluation. x as the networks see it: (B, C, H, W), or vectors (B, p)."""

    def scorer(self) -> nn.Module:
        return self._vector_scorer() if self.vectors else self._pixel_scorer()

    def _vector_scorer(self) -> _OfVectors:
        assert self.vectors
        return _OfVectors(self.vectors, self.rebuilding(), squared=self.squared).eval()

    def _pixel_scorer(self) -> nn.Module:
        p = self.parameters
        assert isinstance(p, ResidualParameters)
        score = ResidualScore(p, squared=self.squared)
        normalised = getattr(p, "contrast_normalised", False)
        return _OfPixels(self.rebuilding(), score, normalised).eval()

    def prepare_to_score(self, images: Pixels) -> None:
        """BatchNorm statistics gathered again: of training images on the path of scoring."""
        path = self.rebuilding() if self.vectors else self.scorer()
        renew_statistics(path, even_batches(self.inputs(images), self.device))

    def score(self, images: Pixels) -> Scores:
        if self.vectors:
            return in_batches(self._vector_scorer().of_rows, self.inputs(images), self.device)
        return output_of(self.scorer(), images, self.device)

    def rebuild(self, images: Pixels) -> Rebuilt | None:
        if self.vectors:
            return None
        return output_of(self.scorer(), images, self.device, output=1)


class _OfVectors(nn.Module):
    """From pixels on, by vectors."""

    def __init__(self, vectors: Standardised, rebuilt: nn.Module, *, squared: bool) -> None:
        super().__init__()
        self.vectors, self.rebuilt, self.squared = vectors, rebuilt, squared

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (self.of_rows(self.vectors(images)),)

    def of_rows(self, x: Tensor) -> Tensor:
        """Scores, float64 (B,), of standardised vectors (B, p)."""
        far = losses.squared_distance if self.squared else losses.distance
        return far(x, self.rebuilt(x)).to(torch.float64)


class _OfPixels(nn.Module):
    """From pixels on, with what is rebuilt in grey levels."""

    def __init__(self, rebuilt: nn.Module, score: ResidualScore, normalised: bool) -> None:
        super().__init__()
        self.rebuilt, self.score, self.normalised = rebuilt, score, normalised

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = see(images, contrast_normalised=self.normalised)
        rebuilt = self.rebuilt(seen.x)
        return self.score(seen.x, rebuilt).to(torch.float64), seen.to_grey(rebuilt)
