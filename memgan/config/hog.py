"""What can be set of the detector on histograms of gradients."""

from __future__ import annotations

from pydantic import Field

from memgan.config.detector_plugin import DetectorParameters


class HogNeighboursParameters(DetectorParameters):
    """Mean cosine distance to the nearest training images, of histograms of oriented gradients
    (Dalal and Triggs 2005). It trains nothing."""

    neighbours: int = Field(5, ge=1)
    """The number of nearest training images that the score averages over."""
