"""What a detector of another package brings along. Free of torch, as all of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, ClassVar

from pydantic import Field

from memgan.config.typed import Frozen
from memgan.plugins import PluginPoint


class DetectorParameters(Frozen):
    """What every detector has."""

    CHANGEABLE: ClassVar[frozenset[str]] = frozenset()
    """What may change in training: it leaves shapes alone, and is in use in every epoch."""

    STEPWISE: ClassVar[bool] = False
    """Whether its detector is a `Stepwise` one, of which several can be trained as one."""

    MEASURED: ClassVar[frozenset[str] | None] = None
    """The measures of health that are taken of it (`memgan.health.MEASURES`); None where its keys
    tell."""

    GAME_CAN_BE_LOST: ClassVar[bool] = True
    """Whether a discriminator that is always right teaches nothing; a Wasserstein critic does."""

    epochs: int = Field(1, ge=1)
    """Passes over the training images."""

    @property
    def images_at_once(self) -> int:
        """How many images are scored at a time, at most; it bounds the memory that takes."""
        return 256

    @property
    def only_in_torch(self) -> str | None:
        """Why its bundle has no ONNX model, in a few words; None where it has one, as it scores in
        one forward pass."""
        return None

    def portable(self) -> DetectorParameters:
        """These values without paths of this machine, for a bundle that is given away."""
        return self


@dataclass(frozen=True)
class DetectorPlugin:
    """A detector of another package: what an entry point of the group `memgan.detectors` names."""

    parameters: type[DetectorParameters]
    """What can be set of it, with limits and defaults."""
    detector: str
    """Where its class is, as "module:Class"; imported only when it is trained or scores."""
    space: Mapping[str, Any] = field(default_factory=dict)
    """What `memgan search --detector NAME` searches, written as under `space` in a study file.
    Empty where there is nothing to search."""

    def __post_init__(self) -> None:
        if not (
            isinstance(self.parameters, type) and issubclass(self.parameters, DetectorParameters)
        ):
            raise TypeError("parameters must be a subclass of memgan.config.DetectorParameters")
        if not isinstance(self.detector, str) or ":" not in self.detector:
            raise TypeError('detector must say where its class is, as "module:Class"')
        if not isinstance(self.space, Mapping):
            raise TypeError("space must be a mapping from a parameter to what is searched of it")


def _checked(name: str, found: object) -> DetectorPlugin:
    if not isinstance(found, DetectorPlugin):
        raise TypeError(
            f"its entry point leads to {type(found).__name__}, and must lead to a"
            " memgan.config.DetectorPlugin"
        )
    # Looked for and not imported; else it would be missed in every trial, and no sooner.
    module = found.detector.partition(":")[0]
    if find_spec(module) is None:
        raise ModuleNotFoundError(f"No module named {module!r}")
    return found


DETECTOR_PLUGINS = PluginPoint("detector", "memgan.detectors", _checked)
