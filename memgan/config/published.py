"""Detectors that the papers compare with, with the values of their own papers or public code.

Widths are small enough for a CPU; the start point `paper` of each has the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

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
    code_dim: int = Field(64, ge=1)
    """The length of a code. The public code has 128."""
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


class DagmmParameters(PublishedParameters):
    """Deep Autoencoding Gaussian Mixture Model (Zong et al. 2018), in its form for images. Rate,
    batches, code and weights of the losses are those of the public code behind the tables."""

    MEASURED: ClassVar[frozenset[str] | None] = _REBUILT

    epochs: int = Field(100, ge=1)
    batch_size: int = Field(256, ge=2)
    """The most images in a step; each step fits a mixture to its batch, so a small one fits it
    poorly."""
    learning_rate: float = Field(1e-3, gt=0, lt=1)
    """Adam's."""
    width: int = Field(32, ge=1)
    """Channels of the first convolution, doubled twice. The public code has 64."""
    code_dim: int = Field(5, ge=1)
    """The length of a code; relative error and cosine join it."""
    components: int = Field(3, ge=1)
    """K, the Gaussians of the mixture."""
    energy_weight: float = Field(0.01, ge=0)
    """λ₁, the weight of the mean energy. The paper has 0.1, for tables of numbers."""
    narrowness_weight: float = Field(5e-4, ge=0)
    """λ₂, the weight of what keeps variances from 0. The paper has 0.005, for tables of numbers."""
    jitter: float = Field(1e-3, gt=0)
    """ε, added to each variance of the mixture."""


class DsebmParameters(PublishedParameters):
    """Deep Structured Energy-Based Model (arXiv 1605.07717), in the form of the public code behind
    the tables, without its BatchNorm."""

    MEASURED: ClassVar[frozenset[str] | None] = _REBUILT

    epochs: int = Field(100, ge=1)
    batch_size: int = Field(128, ge=2)
    """The most images in a step; an epoch is cut into batches of nearly equal size."""
    learning_rate: float = Field(1e-3, gt=0, lt=1)
    """Adam's."""
    width: int = Field(32, ge=1)
    """Channels of the first convolution, doubled twice. The public code has 64."""
    energy_terms: int = Field(256, ge=1)
    """How many hⱼ the energy has."""
    noise: float = Field(0.5, gt=0)
    """The standard deviation of the noise that is to be taken off, of images from −1 to 1."""
    activation: Literal["softplus", "relu"] = "softplus"
    """Training takes the slope of a slope; softplus has a smooth one. The public code: ReLU."""


class AveragedParameters(PublishedParameters):
    """What those have whose weights are averaged over their training."""

    average: float = Field(0.999, ge=0, lt=1)
    """The decay of the running average of the weights that score; it begins smaller. 0 scores with
    the last weights."""


class AladParameters(AveragedParameters):
    """Adversarially Learned Anomaly Detection (arXiv 1812.02288). Values are those of its public
    code, with fewer channels."""

    MEASURED: ClassVar[frozenset[str] | None] = _GAME | _REBUILT | {"code_spread", "sample_spread"}

    batch_size: int = Field(32, ge=2)
    """The most images in a step; an epoch is cut into batches of nearly equal size."""
    learning_rate: float = Field(2e-4, gt=0, lt=1)
    """Adam's, of all five networks."""
    width: int = Field(32, ge=4)
    """Channels of the first convolution of E, doubled twice, and of all others in proportion. The
    public code has 128."""
    code_dim: int = Field(100, ge=1)
    """The length of a code."""
    spectral_norm: bool = True
    """Divide each weight matrix of E and of the discriminators by its largest singular value."""


class AnoganParameters(AveragedParameters):
    """AnoGAN (arXiv 1703.05921), "ADGAN" in the papers' tables. Values of the GAN are those of
    public code, with fewer channels; those of the search are our choice, see the start point."""

    MEASURED: ClassVar[frozenset[str] | None] = _GAME | {"sample_spread"}

    batch_size: int = Field(32, ge=2)
    """The most images in a step; an epoch is cut into batches of nearly equal size."""
    learning_rate: float = Field(2e-4, gt=0, lt=1)
    """Adam's, of all networks."""
    width: int = Field(32, ge=1)
    """Channels of D's first convolution, doubled twice, and of G and E in proportion. Public code
    has 128."""
    code_dim: int = Field(100, ge=1)
    """The length of z."""
    search: Literal["encoder", "steps"] = "encoder"
    """What finds z for an image: an encoder that is trained beside the GAN, as in f-AnoGAN, or a
    search by gradient for each image, as in the paper, which takes hundreds of times as long."""
    feature_weight: float = Field(1.0, ge=0)
    """κ, the weight of features in the encoder's loss and score."""
    search_weight: float = Field(0.1, ge=0, le=1)
    """λ, the weight of features in the score of `steps`; that of pixels is 1 − λ. Public code has
    them the other way round."""
    search_steps: int = Field(100, ge=1)
    """Steps of Adam over z. The paper has 500."""
    search_rate: float = Field(0.02, gt=0)
    """Their rate at first; it falls along half a cosine. The 1e-3 of public code hardly moves z."""

    @property
    def only_in_torch(self) -> str | None:
        if self.search == "encoder":
            return None
        return "search=steps finds z by gradient, not in a forward pass; search=encoder has a model"


PUBLISHED: Mapping[str, type[DetectorParameters]] = {
    "ama": AmaParameters,
    "dagmm": DagmmParameters,
    "dsebm": DsebmParameters,
    "alad": AladParameters,
    "anogan": AnoganParameters,
}
"""By the detector's name."""
