"""Detectors by name: those built in, and those of plug-ins.

To build one in: its parameters in `memgan.config.parameters`, its class here.
"""

from __future__ import annotations

import pkgutil

import torch

from memgan.config import (
    DETECTOR_PLUGINS,
    DetectorParameters,
    detector_names,
    unknown_detector,
)
from memgan.detectors.alice import Alice
from memgan.detectors.anchors import Neighbours, Pca
from memgan.detectors.autoencoder import Autoencoder
from memgan.detectors.base import Detector
from memgan.detectors.dcae import Dcae
from memgan.detectors.dsvdd import Dsvdd
from memgan.detectors.gradients.hog_neighbours import HogNeighbours
from memgan.detectors.iforest import Iforest
from memgan.detectors.kde import Kde
from memgan.detectors.memae import Memae
from memgan.detectors.memgan import Memgan
from memgan.detectors.memgan_plus import MemganPlus
from memgan.detectors.ocsvm import Ocsvm
from memgan.detectors.on_features.patch_memory import PatchMemory
from memgan.detectors.published.alad import Alad
from memgan.detectors.published.ama import Ama
from memgan.detectors.published.anogan import Anogan
from memgan.detectors.published.dagmm import Dagmm
from memgan.detectors.published.dsebm import Dsebm
from memgan.detectors.turning.memgan_turns import MemganTurns

DETECTORS: dict[str, type[Detector]] = {
    kind.name: kind
    for kind in (
        *(Memgan, MemganPlus, MemganTurns, Memae, Autoencoder, Alice, Dcae, Dsvdd),
        *(Ama, Alad, Anogan, Dagmm, Dsebm),
        *(Pca, Neighbours, Ocsvm, Kde, Iforest, PatchMemory, HogNeighbours),
    )
}


def detector_type(name: str) -> type[Detector]:
    """The class of a detector, built in or of a plug-in, by its name.

    UnknownName for a name that nobody offers; PluginFailed for a plug-in whose class cannot be
    imported.
    """
    if name in DETECTORS:
        return DETECTORS[name]
    plugin = DETECTOR_PLUGINS.find(name)
    if plugin is None:
        raise unknown_detector(name, detector_names())
    try:
        found = pkgutil.resolve_name(plugin.detector)
        if not (isinstance(found, type) and issubclass(found, Detector)):
            raise TypeError(f"{plugin.detector} is no subclass of memgan.detectors.Detector")
    except (Exception, SystemExit) as error:  # It is other people's code.
        raise DETECTOR_PLUGINS.failed(name, error) from error
    return found


def build_detector(
    name: str,
    parameters: DetectorParameters,
    *,
    image_shape: tuple[int, int, int],
    seed: int,
    device: torch.device,
) -> Detector:
    """A new, unfitted detector; faults as those of `detector_type`."""
    return detector_type(name)(parameters, image_shape=image_shape, seed=seed, device=device)
