"""What can be set of the detector on histograms of gradients."""

from __future__ import annotations

from pydantic import Field

from memgan.config.detector_plugin import DetectorParameters


class HogNeighboursParameters(DetectorParameters):
    """Mean cosine distance to the nearest training images, of histograms of oriented gradients
    (Dalal and Triggs 2005), perhaps with the distance to the mean image. It trains nothing."""

    neighbours: int = Field(5, ge=1)
    """The number of nearest training images that the score averages over."""
    mean_image_share: float = Field(0.0, ge=0, le=1)
    """How much of the score is the squared distance to the mean image, with contrast normalised;
    the rest is the cosine distance. Each counts in standard deviations over training images."""
