"""Detectors that the papers compare with, with the values of their own papers or public code.

Widths are small enough for a CPU; the start point `paper` of each has the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from memgan.config.detector_plugin import DetectorParameters

_GAME = frozenset({"d_on_encoded", "d_on_generated", "d_accuracy"})
_REBUILT = frozenset({"residual", "rebuilt_spread"})


class PublishedParameters(DetectorParameters):
    """What all of them have that train networks by gradient."""

    STEPWISE: ClassVar[bool] = True

    epochs: int = Field(50, ge=1)
    batch_size: int = Field(64, ge=2)
    """The most images in a step; an epoch is cut into batches of nearly equal size."""
    learning_rate: float = Field(3e-4, gt=0, lt=1)
    """Adam's."""
    width: int = Field(16, ge=1)
    """Channels of the first convolution; deeper ones have more."""
    code_dim: int = Field(64, ge=1)
    """The length of a code."""
    cooldown: float = Field(0.0, ge=0, le=1)
    """The share of the epochs, at the end, over which the learning rate falls to a twentieth."""
    contrast_normalised: bool = False
    """Bring every image to its own mean and spread first."""


class AmaParameters(PublishedParameters):
    """Adversarial Mirrored Autoencoder (arXiv 2003.10713): an autoencoder against a Wasserstein
    critic of pairs. Weights are those of its public code; networks and batches are smaller."""

    MEASURED: ClassVar[frozenset[str] | None] = _GAME | _REBUILT | {"code_spread"}
    GAME_CAN_BE_LOST: ClassVar[bool] = False

    width: int = Field(16, ge=1)
    """Channels of E's first convolution, doubled twice; G has four times as many throughout. The
    public code has 64."""
    critic_width: int = Field(32, ge=1)
    """Channels of the critic D throughout, and the number of its features. The public code has
    128."""
    spectral_norm: bool = False
    """Divide each weight matrix of the critic by its largest singular value; the public code's
    commands do so beside the gradient penalty."""
    critic_steps: int = Field(5, ge=1)
    """Steps of the critic on a batch before E and G take one."""
    gradient_penalty: float = Field(10.0, ge=0)
    """The weight of the critic's gradient penalty."""
    norm_weight: float = Field(1.0, ge=0)
    """λ_reg, the weight of the mean length of a code, which draws codes to the origin."""
    simplex_weight: float = Field(0.2, ge=0)
    """The weight of images made from mixtures of three codes; 0 leaves them out."""
    simplex_trains_generator: bool = True
    """Whether E and G learn from such mixtures too. In the public code only the critic does, as it
    cuts the gradient off."""
    atypical_weight: float = Field(1.0, ge=0)
    """λ_anom, the weight of images made from shrunken codes, which count as anomalies; 0 leaves
    them out."""
    atypical_from: int = Field(11, ge=1)
    """The first epoch, counted from 0 as in the public code, in which a tenth of each batch is
    replaced by such images."""
    two_sided: bool = True
    """Score how far s is from its mean over the training images, in either direction, as the public
    code does. False scores s itself."""


PUBLISHED: Mapping[str, type[DetectorParameters]] = {
    "ama": AmaParameters,
}
"""By the detector's name."""
