"""How the residual, a difference by pixel, becomes one score of an image."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from memgan.config.detector_plugin import DetectorParameters


class ResidualParameters(DetectorParameters):
    """What every detector has that rebuilds images and scores what differs."""

    score: Literal["mean", "top-share", "smoothed-max"] = "mean"
    """The pixels that a score is taken over: `mean` takes all (Eq. 8); `top-share` the ones that
    differ most; `smoothed-max` the window that differs most. The last two see small things, which
    drown in a mean."""
    score_share: float = Field(0.01, gt=0, le=1)
    """The share of an image's pixels that `top-share` takes; at least one pixel."""
    score_window: int = Field(3, ge=1, le=255)
    """The side of the square window of `smoothed-max`, in pixels."""
