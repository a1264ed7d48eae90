"""The residual as one score: over all pixels, over those that differ most, or over one window."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from memgan.config import ResidualParameters
from memgan.detectors.parts import losses


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
