"""Detectors by name. To add one: its parameters in `memgan.config.parameters`, its class here."""

from __future__ import annotations

import torch

from memgan.config import DetectorParameters
from memgan.detectors.alice import Alice
from memgan.detectors.anchors import Neighbours, Pca
from memgan.detectors.autoencoder import Autoencoder
from memgan.detectors.base import Detector
from memgan.detectors.dcae import Dcae
from memgan.detectors.dsvdd import Dsvdd
from memgan.detectors.iforest import Iforest
from memgan.detectors.kde import Kde
from memgan.detectors.memae import Memae
from memgan.detectors.memgan import Memgan
from memgan.detectors.memgan_plus import MemganPlus
from memgan.detectors.ocsvm import Ocsvm
from memgan.errors import unknown_name

DETECTORS: dict[str, type[Detector]] = {
    kind.name: kind
    for kind in (
        *(Memgan, MemganPlus, Memae, Autoencoder, Alice, Dcae, Dsvdd),
        *(Pca, Neighbours, Ocsvm, Kde, Iforest),
    )
}


def build_detector(
    name: str,
    parameters: DetectorParameters,
    *,
    image_shape: tuple[int, int, int],
    seed: int,
    device: torch.device,
) -> Detector:
    """A new, unfitted detector. UnknownName for a name that is not registered."""
    if name not in DETECTORS:
        raise unknown_name("detector", name, DETECTORS)
    return DETECTORS[name](parameters, image_shape=image_shape, seed=seed, device=device)
