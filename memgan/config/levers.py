"""Levers that wake a memory and keep a game alive. With its default each leaves MEMGAN as it is."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from memgan.config.detector_plugin import DetectorParameters


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
