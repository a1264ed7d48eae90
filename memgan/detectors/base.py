"""The interface of a detector: fitted on normal images, epoch by epoch; scores any image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from memgan.config import DetectorParameters
from memgan.data import Pixels, Scores
from memgan.detectors.look import Look
from memgan.errors import BundleError
from memgan.features import Extractor, FeatureCache

Rebuilt = npt.NDArray[np.float32]


class Detector(ABC):
    """One detector for one normal class.

    All it has learned and all it needs to go on is in `state_dict`; what scoring needs alone is
    in `weights`. Random numbers come from generators of its own, made from `seed`.
    """

    name: ClassVar[str]
    extractor: Extractor | None = None
    """The frozen network that it sees images through; None where it sees pixels."""

    def __init__(
        self,
        parameters: DetectorParameters,
        *,
        image_shape: tuple[int, int, int],
        seed: int,
        device: torch.device,
    ) -> None:
        self.image_shape = image_shape
        self.seed = seed
        self.device = device
        self.at_once = parameters.images_at_once
        """How many images are scored at a time where the detector is exported."""

    @abstractmethod
    def fit_epoch(self, images: Pixels) -> dict[str, float]:
        """One pass over normal images, uint8 (N, C, H, W), N at least 2.

        Returns the epoch's mean losses by name (empty where there are none).
        """

    def change(self, parameters: DetectorParameters) -> None:
        """Go on under other values; they differ only in `parameters.CHANGEABLE`."""

    def prepare_to_score(self, images: Pixels) -> None:
        """Called with the training images after the last epoch before scores are asked for."""

    @abstractmethod
    def score(self, images: Pixels) -> Scores:
        """float64 (N,), higher = more anomalous. Does not depend on what is scored together."""

    def rebuild(self, images: Pixels) -> Rebuilt | None:
        """What the detector makes of images, float32 (N, C, H, W) in grey levels from 0 to 255;
        None for a detector that rebuilds nothing. Where images and this differ is the residual."""
        return None

    def maps(self, images: Pixels) -> Rebuilt | None:
        """Scores by pixel, float32 (N, H, W), higher where an image looks less normal, in the unit
        of the score; None for a detector whose residual tells, or that knows no places."""
        return None

    def look(self, images: Pixels) -> Look | None:
        """What its parts make of images, uint8 (N, C, H, W), in the middle of training; None for a
        detector whose health nobody measures. It changes nothing that training goes on with, and
        gives the same for the same images and weights."""
        return None

    @abstractmethod
    def scorer(self) -> torch.nn.Module:
        """What is scored with, as a module that can be traced: images uint8 (N, C, H, W) to
        (scores,), or with what `rebuild` gives, else with what `maps` gives, where one of them
        does; scores float64 (N,) as by `score`, the others float32.

        Shares the detector's tensors, on its device. Takes any N, and each image by itself.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly: weights, optimisers, generators. Tensors and
        plain values only, so that `torch.load(weights_only=True)` reads it."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of a detector made with the same arguments."""

    @classmethod
    def weight_count(cls, parameters: DetectorParameters, image_shape: tuple[int, int, int]) -> int:
        """How many values `weights` holds, found without the memory for them; 0 where the
        training images decide."""
        return 0

    @abstractmethod
    def weights(self) -> dict[str, torch.Tensor]:
        """What `score` needs, as tensors on the CPU, by name: the content of safetensors."""

    @abstractmethod
    def load_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take `weights`. BundleError if a key is missing or left over, or a shape is wrong."""

    def keep_features(self, cache: FeatureCache | None) -> None:
        """Look the features of images up in a cache, and keep there what is not in it yet; for
        images that are seen again, as those of a search are. None computes them every time.
        Nothing to do on pixels."""
        if self.extractor is not None:
            self.extractor.cache = cache

    def frozen(self) -> dict[str, torch.Tensor]:
        """What `score` needs beside `weights` and nobody learned here: those of the frozen
        network, on the CPU, by name. Empty on pixels."""
        return {} if self.extractor is None else self.extractor.frozen()

    def take_frozen(self, frozen: Mapping[str, torch.Tensor]) -> None:
        """Use what `frozen` gave, in place of a file. BundleError where it does not fit."""
        if self.extractor is not None:
            self.extractor.take(frozen)
        elif frozen:
            raise BundleError("weights hold a backbone, and none is configured")
