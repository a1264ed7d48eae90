"""What can be set of each detector, by name. Free of torch, so that a search space is checked
and a command line answers before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from memgan.config.detector_kinds import unknown_detector
from memgan.config.detector_plugin import DETECTOR_PLUGINS, DetectorParameters
from memgan.config.features import NeighboursParameters, OnFeatures, PatchMemoryParameters
from memgan.config.hog import HogNeighboursParameters
from memgan.config.levers import GameLevers, MemoryLevers
from memgan.config.published import PUBLISHED
from memgan.config.residual_score import ResidualParameters
from memgan.config.typed import Frozen, parse


class LearningRate(Frozen):
    """Adam's learning rate by network; one number in a file means all four."""

    encoder: float = Field(1e-3, gt=0, lt=1)
    """The rate of the encoder E."""
    generator: float = Field(1e-3, gt=0, lt=1)
    """The rate of the generator G."""
    discriminator: float = Field(1e-3, gt=0, lt=1)
    """The rate of the joint discriminator D."""
    memory: float = Field(1e-3, gt=0, lt=1)
    """The rate of the memory matrix M."""

    @classmethod
    def same(cls, value: float) -> LearningRate:
        """The same rate for all four."""
        return cls(encoder=value, generator=value, discriminator=value, memory=value)


class MemganParameters(ResidualParameters, GameLevers, MemoryLevers):
    """MEMGAN (arXiv 2002.02669). The defaults trained well on MNIST in a prototype."""

    STEPWISE: ClassVar[bool] = True

    CHANGEABLE: ClassVar[frozenset[str]] = frozenset(
        {
            *("batch_size", "learning_rate", "beta1", "beta2", "sharpness", "encoder_game"),
            *("adversarial_weight", "cycle_weight", "projection_weight"),
            "mutual_information_weight",
            *GameLevers.GAME_CHANGEABLE,
            *MemoryLevers.MEMORY_CHANGEABLE,
        }
    )

    epochs: int = Field(7, ge=1)
    batch_size: int = Field(64, ge=2)
    """The most images in a step; an epoch is cut into batches of nearly equal size."""
    learning_rate: LearningRate = LearningRate()
    """Adam's learning rate for each network; one number is the rate of all four."""
    cooldown: float = Field(0.0, ge=0, le=1)
    """The share of the epochs, at the end, over which the learning rates fall to a twentieth, by
    the same factor in each epoch. 0 keeps them constant. The paper does not mention it."""
    beta1: float = Field(0.5, ge=0, lt=1)
    """Adam's decay of the first moment."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Adam's decay of the second moment."""
    memory_units: int = Field(50, ge=2)
    """n, the rows of the memory matrix."""
    memory_dim: int = Field(64, ge=1)
    """d, the length of a memory unit and of a code."""
    memory_std: float = Field(1.0, gt=0)
    """The spread of the memory's start, N(0, std²). The memory moves little in training."""
    sharpness: float = Field(1.0, gt=0)
    """s in a = softmax(s·r), r ~ N(0, 1): how far sampled codes lie from the memory's centroid."""
    width: int = Field(16, ge=1)
    """Channels of the first convolution; deeper ones have up to eight times as many."""
    contrast_normalised: bool = False
    """Bring every image to its own mean and spread before anything sees it (global contrast
    normalisation). Not in the paper, which does not say how its images were prepared."""
    adversarial_weight: float = Field(1.0, ge=0)
    """The weight of the generator's and encoder's adversarial losses; 0 leaves the game out."""
    cycle_weight: float = Field(1.0, ge=0)
    """The weight of the cycle loss, the distance between an image and its reconstruction."""
    projection_weight: float = Field(1.0, ge=0)
    """The weight of the projection loss, which draws codes into the memory's hull."""
    mutual_information_weight: float = Field(1.0, ge=0)
    """The weight of the mutual-information loss: a generated image shows its memory units."""
    encoder_game: Literal["saturating", "non-saturating"] = "saturating"
    """E's adversarial term: log D(x, E(x)) as the paper prints it, or −log(1 − D(x, E(x)))."""

    @field_validator("learning_rate", mode="before")
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        number = _number(value)
        return value if number is None else dict.fromkeys(LearningRate.model_fields, number)

    @field_serializer("learning_rate")
    def _short_when_equal(self, value: LearningRate) -> float | dict[str, float]:
        rates = value.model_dump()
        return value.encoder if len(set(rates.values())) == 1 else rates


class MemganPlusParameters(MemganParameters):
    """MEMGAN with a head that distinguishes geometric transformations. The keys with `warp` are the
    head's, all others MEMGAN's own."""

    STEPWISE: ClassVar[bool] = False

    residual_weight: float = Field(1.0, ge=0)
    """The weight of Eq. 8 in the score, in standard deviations over held-out normals; 0 leaves
    MEMGAN out."""
    surprise_weight: float = Field(2.0, ge=0)
    """The weight of the head's surprise in the score, likewise; 0 leaves the head out."""
    warps: Literal["turns", "turns-and-shifts", "affine"] = "affine"
    """The transformations: 4 quarter turns, those with shifts (20), or random affine maps."""
    warp_count: int = Field(16, ge=2)
    """The number of affine maps."""
    warp_width: int = Field(16, ge=1)
    """The channels of the head's first convolution; the next two have 2 and 4 times as many."""
    warp_passes: int = Field(3, ge=1)
    """The passes of the head over the training images in an epoch."""
    warp_batch_size: int = Field(128, ge=2)
    """The images in a step of the head."""
    warp_learning_rate: float = Field(2e-3, gt=0, lt=1)
    """AdamW's peak learning rate. It rises over a third of all steps, then falls to nothing."""
    warp_mirrored: bool = False
    """Show the head half of the images mirrored, for things that may face left or right."""

    @model_validator(mode="after")
    def _some_score(self) -> MemganPlusParameters:
        if not (self.residual_weight or self.surprise_weight):
            raise ValueError("residual_weight and surprise_weight are both 0; set one above")
        return self


class PcaParameters(ResidualParameters, OnFeatures):
    """Squared error of a linear reconstruction from the leading principal components."""

    components: int = Field(32, ge=0)
    """The number of components; fewer if there are fewer images or pixels. With 0, the score is the
    squared distance to the mean image."""
    contrast_normalised: bool = False
    """Bring every image to its own mean and spread first."""


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
    """Channels of the first convolution; deeper ones have up to eight (MemAE: four) times."""
    cooldown: float = Field(0.0, ge=0, le=1)
    """As of MEMGAN."""
    contrast_normalised: bool = False
    """Bring every image to its own mean and spread first."""


class AutoencoderParameters(RebuilderParameters, ResidualParameters):
    """A plain autoencoder of MEMGAN's encoder and generator: no memory, no adversary."""

    code_dim: int = Field(64, ge=1)
    """Length of a code."""


class AliceParameters(AutoencoderParameters):
    """MEMGAN without its memory: encoder, generator and joint discriminator, with cycle loss."""

    adversarial_weight: float = Field(1.0, ge=0)
    """The weight of the generator's and encoder's adversarial losses; 0 leaves the game out."""


class MemaeParameters(RebuilderParameters, ResidualParameters):
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
            if (number := _number(whole)) is not None:
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


def _number(value: Any) -> float | None:
    """`value` as a number, or None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):  # YAML takes 1e-3, without a point, for a word.
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) else None
