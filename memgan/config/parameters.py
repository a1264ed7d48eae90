"""What can be set of each detector, by name. Free of torch, so that a search space is checked
and a command line answers before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from memgan.config.detector_kinds import unknown_detector
from memgan.config.detector_plugin import DETECTOR_PLUGINS, DetectorParameters
from memgan.config.features import NeighboursParameters, OnFeatures, PatchMemoryParameters
from memgan.config.hog import HogNeighboursParameters
from memgan.config.memgan_parameters import (
    LearningRate,
    MemganParameters,
    MemganPlusParameters,
    MemganTurnsParameters,
    as_number,
)
from memgan.config.published import PUBLISHED
from memgan.config.residual_score import ResidualParameters
from memgan.config.typed import parse


class PcaParameters(ResidualParameters, OnFeatures):
    """Squared error of a linear reconstruction from the leading principal components."""

    components: int = Field(32, ge=0)
    """The number of components; fewer if there are fewer images or pixels. With 0, the score is the
    squared distance to the mean image."""
    contrast_normalised: bool = False
    """Bring every image to its own mean and spread first."""
    shrinkage: float = Field(0.0, ge=0)
    """On features: above 0, the score is the Mahalanobis distance of a Gaussian whose covariance is
    that of the components, with this share of their mean variance added to every direction."""

    @model_validator(mode="after")
    def _of_features(self) -> PcaParameters:
        if self.shrinkage and (self.features is None or not self.components):
            raise ValueError("shrinkage is of components of features; give both, or leave it out")
        return self


class RebuilderParameters(DetectorParameters):
    """What every single network that is trained to rebuild images has."""

    STEPWISE: ClassVar[bool] = True

    epochs: int = Field(7, ge=1)
    batch_size: int = Field(64, ge=2)
    """The most images in a step; an epoch is cut into batches of nearly equal size."""
    learning_rate: float = Field(1e-3, gt=0, lt=1)
    """Adam's."""
    beta1: float = Field(0.5, ge=0, lt=1)
    """Adam's decay of the first moment."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Adam's decay of the second moment."""
    width: int = Field(16, ge=1)
    """Channels of the first convolution; deeper ones have up to eight (MemAE: four) times. On
    vectors hidden layers have eight times as many values."""
    cooldown: float = Field(0.0, ge=0, le=1)
    """As of MEMGAN."""
    contrast_normalised: bool = False
    """Bring every image to its own mean and spread first."""


class AutoencoderParameters(RebuilderParameters, ResidualParameters, OnFeatures):
    """A plain autoencoder of MEMGAN's encoder and generator: no memory, no adversary."""

    code_dim: int = Field(64, ge=1)
    """Length of a code."""


class AliceParameters(AutoencoderParameters):
    """MEMGAN without its memory: encoder, generator and joint discriminator, with cycle loss."""

    adversarial_weight: float = Field(1.0, ge=0)
    """The weight of the generator's and encoder's adversarial losses; 0 leaves the game out."""


class MemaeParameters(RebuilderParameters, ResidualParameters, OnFeatures):
    """MemAE (arXiv 1904.02639). Defaults: networks and N as it states them for MNIST (on CIFAR-10
    a width of 64 and N = 500), the rate of its public code; batches and epochs are our choice."""

    epochs: int = Field(100, ge=1)
    batch_size: int = Field(128, ge=2)
    learning_rate: float = Field(1e-4, gt=0, lt=1)
    beta1: float = Field(0.9, ge=0, lt=1)
    memory_units: int = Field(100, ge=2)
    """N, the items of the memory, each as long as a flattened code."""
    similarity: Literal["dot", "cosine"] = "dot"
    """How a code addresses an item: a dot product, as its public code has it, or a cosine."""
    shrinkage: float = Field(1.0, ge=0)
    """λ · N: an address not above this share of an even one becomes 0. The paper takes 1 to 3."""
    entropy_weight: float = Field(2e-4, ge=0)
    """The weight of the addresses' entropy in the loss (α in the paper)."""


class DcaeNetParameters(RebuilderParameters):
    """The networks of Deep SVDD (Ruff et al. 2018). Defaults: those for MNIST (on CIFAR-10 a width
    of 32 and codes of 128), its rate, batches and the network's weight decay."""

    epochs: int = Field(100, ge=1)
    batch_size: int = Field(200, ge=2)
    learning_rate: float = Field(1e-4, gt=0, lt=1)
    beta1: float = Field(0.9, ge=0, lt=1)
    width: int = Field(8, ge=1)
    """Channels of the first convolution; the second has half of them for grey images, and for
    colour two more have twice and four times as many."""
    code_dim: int = Field(32, ge=1)
    """The length of a code."""
    weight_decay: float = Field(5e-7, ge=0)
    """How much the weights decay in every step."""


class DcaeParameters(DcaeNetParameters, ResidualParameters):
    """The autoencoder with Deep SVDD's networks."""


class DsvddParameters(DcaeNetParameters):
    """Deep SVDD (Ruff et al. 2018) with its one-class objective."""

    STEPWISE: ClassVar[bool] = False
    MEASURED: ClassVar[frozenset[str] | None] = frozenset()

    pretraining: float = Field(0.5, ge=0, lt=1)
    """The share of the epochs, at the beginning, in which the autoencoder is trained."""


class OcsvmParameters(OnFeatures):
    """One-class support vector machine, Gaussian kernel, on pixels from 0 to 1 or on features."""

    nu: float = Field(0.1, gt=0, le=1)
    """The largest share of the training images that lies outside."""
    variance_kept: float = Field(0.95, gt=0, lt=1)
    """The share of the variance of colour images that the kept principal components hold."""


class KdeParameters(DetectorParameters):
    """Gaussian kernel density on pixels from 0 to 1; likelihood chooses the bandwidth."""


class IforestParameters(DetectorParameters):
    """Isolation forest on grey levels."""

    trees: int = Field(100, ge=1)
    """The number of trees."""
    samples: int = Field(256, ge=2)
    """The training images that each tree is grown from; all of them if there are fewer."""


PARAMETERS: Mapping[str, type[DetectorParameters]] = {
    "memgan": MemganParameters,
    "memgan-plus": MemganPlusParameters,
    "memgan-turns": MemganTurnsParameters,
    "pca": PcaParameters,
    "neighbours": NeighboursParameters,
    "hog-neighbours": HogNeighboursParameters,
    "autoencoder": AutoencoderParameters,
    "alice": AliceParameters,
    "memae": MemaeParameters,
    "dcae": DcaeParameters,
    "dsvdd": DsvddParameters,
    "ocsvm": OcsvmParameters,
    "kde": KdeParameters,
    "iforest": IforestParameters,
    "patch-memory": PatchMemoryParameters,
    **PUBLISHED,
}
"""Built-in detectors and what can be set of each; `memgan.detectors` builds the detector itself."""


def parameters_type(detector: str) -> type[DetectorParameters]:
    """The parameters of a detector, built in or of a plug-in, by its name.

    UnknownName names the nearest one; PluginFailed where its package cannot be imported.
    """
    if isinstance(detector, str) and detector in PARAMETERS:
        return PARAMETERS[detector]
    plugin = DETECTOR_PLUGINS.find(detector)
    if plugin is None:
        raise unknown_detector(detector, detector_names())
    return plugin.parameters


def detector_names() -> list[str]:
    """The names of all detectors: those built in, then those of plug-ins."""
    return [*PARAMETERS, *(name for name in DETECTOR_PLUGINS.names() if name not in PARAMETERS)]


def detector_package(detector: str) -> dict[str, str]:
    """The package that a plug-in's detector comes from, with its version; {} of ours."""
    return {} if detector in PARAMETERS else DETECTOR_PLUGINS.version_of(detector)


def make_parameters(detector: str, values: Mapping[str, Any], where: str) -> DetectorParameters:
    """`values` (flat, nested, or with dotted keys) as a detector's parameters.

    A dotted key sets one member: {"learning_rate": 1e-3, "learning_rate.encoder": 1e-4} leaves
    the other three networks at 1e-3. ConfigError names `where`, the key and what is allowed.
    """
    return parse(parameters_type(detector), nest(values), where)


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys folded into mappings; a number that is given for the whole is spread first."""
    nested: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    for key, value in values.items():
        head, dot, member = key.partition(".")
        if dot:
            whole = {} if nested.get(head) is None else nested[head]
            if (number := as_number(whole)) is not None:
                whole = dict.fromkeys(LearningRate.model_fields, number)
            if isinstance(whole, Mapping):
                nested[head] = {**whole, member: value}
            else:
                nested[key] = value  # Whoever reads it refuses the whole, or this key.
    return nested


def flatten(parameters: DetectorParameters) -> dict[str, Any]:
    """Parameters as flat, dotted keys and plain values: what the record writes."""
    return dotted(parameters.model_dump(mode="json"))


def dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings in `values` as dotted keys: the inverse of `nest`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{member}": inner for member, inner in value.items()})
        else:
            flat[key] = value
    return flat
