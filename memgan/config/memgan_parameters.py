"""What can be set of MEMGAN, and of the detectors that it is a part of."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from memgan.config.detector_plugin import DetectorParameters
from memgan.config.features import OnFeatures
from memgan.config.residual_score import ResidualParameters
from memgan.config.typed import Frozen


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


class GameLevers(DetectorParameters):
    """What keeps the discriminator D from winning. D is stated without any of it in the paper."""

    GAME_CHANGEABLE: ClassVar[frozenset[str]] = frozenset(
        {"r1_weight", "input_noise", "label_smoothing"}
    )

    r1_weight: float = Field(0.0, ge=0)
    """γ of R1 (arXiv 1801.04406): D also pays γ/2 times the mean squared gradient of its logit at
    the real pairs (x, E(x))."""
    spectral_norm: bool = False
    """Divide each weight matrix of D by its largest singular value (arXiv 1802.05957), found anew
    in each step."""
    input_noise: float = Field(0.0, ge=0)
    """Standard deviation of noise on all that D is shown (arXiv 1701.04862). For codes it is
    multiplied by `memory_std`. It falls in a straight line to nothing after the last epoch."""
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)
    """One-sided label smoothing (arXiv 1606.03498): D takes a real pair for real with 1 minus this
    in place of 1."""


class MemoryLevers(DetectorParameters):
    """How the memory starts, is addressed and is sampled from. The paper leaves the law of sampled
    addresses and the start open."""

    MEMORY_CHANGEABLE: ClassVar[frozenset[str]] = frozenset({"concentration"})

    address_law: Literal["softmax", "dirichlet"] = "softmax"
    """The law of sampled addresses a: softmax(s·r) with r ~ N(0, 1), or a symmetric Dirichlet one,
    which puts mass at the corners of the simplex."""
    concentration: float = Field(0.1, gt=0)
    """The concentration of the Dirichlet law, the same for each unit; below 1 most of the weight
    is on few units."""
    address_scale: float = Field(1.0, gt=0)
    """t in α(z) = softmax(t·Mz), in training and in scoring; the paper has 1."""
    memory_start: Literal["normal", "codes"] = "normal"
    """The memory's start: N(0, memory_std²), or, after the first epoch, centres of its codes by
    k-means, moved apart until they spread as far as N(0, memory_std²) would."""


class MemganNetParameters(GameLevers, MemoryLevers):
    """MEMGAN's networks, memory and losses, whatever they are trained on."""

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
    """Channels of the first convolution; deeper ones have up to eight times as many. On vectors
    every hidden layer has eight times as many values."""
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
        number = as_number(value)
        return value if number is None else dict.fromkeys(LearningRate.model_fields, number)

    @field_serializer("learning_rate")
    def _short_when_equal(self, value: LearningRate) -> float | dict[str, float]:
        rates = value.model_dump()
        return value.encoder if len(set(rates.values())) == 1 else rates


class MemganOnImagesParameters(MemganNetParameters, ResidualParameters):
    """MEMGAN where it rebuilds images."""

    contrast_normalised: bool = False
    """Bring every image to its own mean and spread before anything sees it (global contrast
    normalisation). Not in the paper, which does not say how its images were prepared."""


class MemganParameters(MemganOnImagesParameters, OnFeatures):
    """MEMGAN (arXiv 2002.02669). The defaults trained well on MNIST in a prototype."""

    STEPWISE: ClassVar[bool] = True


class MemganPlusParameters(MemganOnImagesParameters):
    """MEMGAN with a head that distinguishes geometric transformations. The keys with `warp` are the
    head's, all others MEMGAN's own."""

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


class MemganTurnsParameters(MemganNetParameters):
    """MEMGAN over features of a small network, which is trained before it to name by how many
    quarter turns an image of the normal class was turned. The keys with `net` are that network's;
    all others MEMGAN's own, on vectors."""

    MEASURED: ClassVar[frozenset[str] | None] = frozenset()  # Not in every epoch.

    epochs: int = Field(40, ge=2)
    """The first of them train the network, the others MEMGAN."""
    pretraining: float = Field(0.5, gt=0, lt=1)
    """The share of the epochs, at the beginning, in which the network is trained."""
    second_stage: Literal["memgan", "gaussian", "neighbours"] = "memgan"
    """What scores features: MEMGAN, or one of two anchors that are fitted at once, so that the
    epochs after the network's change nothing: a Gaussian, or distances to the nearest training
    images, of each turn, added up."""
    neighbours: int = Field(2, ge=1)
    """The number of nearest training images that `second_stage: neighbours` averages over."""
    memory_units: int = Field(100, ge=2)
    memory_dim: int = Field(32, ge=1)
    net_width: int = Field(32, ge=1)
    """Channels of the network's first convolution; a feature has four times as many values."""
    net_size: int | None = Field(None, ge=8, le=256)
    """Pixels a side of the square that the network is shown; null is an image's longer side."""
    net_passes: int = Field(5, ge=1)
    """The passes of the network over the training images in an epoch."""
    net_batch_size: int = Field(128, ge=2)
    """The images in a step of the network."""
    net_learning_rate: float = Field(2e-3, gt=0, lt=1)
    """AdamW's peak learning rate. It rises over a fifth of all steps, then falls to nothing."""

    @property
    def net_epochs(self) -> int:
        """The epochs in which the network is trained: one at least, and not all."""
        return min(self.epochs - 1, max(1, round(self.pretraining * self.epochs)))


def as_number(value: Any) -> float | None:
    """`value` as a number, or None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):  # YAML takes 1e-3, without a point, for a word.
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) else None
