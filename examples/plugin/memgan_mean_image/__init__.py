"""The detector `mean-image`: how far an image is from the mean of the normal ones."""

from pydantic import Field

from memgan.config import DetectorParameters, DetectorPlugin


class MeanImageParameters(DetectorParameters):
    """What can be set of it, with limits and defaults."""

    power: float = Field(2.0, ge=0.5, le=8)
    """Each pixel's difference is raised to it: the larger, the more single pixels count."""


# Without an import of torch, so that `memgan search --help` and a check of a study stay quick.
PLUGIN = DetectorPlugin(
    parameters=MeanImageParameters,
    detector="memgan_mean_image.detector:MeanImage",
    space={"power": [0.5, 1.0, 2.0, 4.0]},
)
