"""Which backbones can be used now, and what is told, or fetched, before anything begins."""

from __future__ import annotations

from collections.abc import Iterable

from memgan.config import Features
from memgan.errors import DataError, MemganError
from memgan.features.backbones import (
    BUILT_IN,
    backbone_named,
    backbone_names,
    fill,
    make_network,
)
from memgan.features.layers import layer_modules
from memgan.features.weights_place import (
    fetch_weights,
    file_of,
    find_weights,
    read_weights,
    weights_folder,
)


def ensure_backbones(wanted: Iterable[Features], *, download: bool = False) -> None:
    """See to it that every one of these can be used. Nothing is fetched unless `download`.

    UnknownName, DataError or BadInput, in one line, for the first that cannot.
    """
    for features in dict.fromkeys(wanted):
        backbone = backbone_named(features.backbone)
        try:
            path = find_weights(features)
        except DataError:
            if not (download and backbone.url and features.weights is None):
                raise
            path = fetch_weights(backbone)
        network = make_network(backbone)
        layer_modules(network, features.layer_names, side=features.size, name=backbone.name)
        if path is not None:
            fill(network, read_weights(backbone, path), str(path))


def backbone_states() -> dict[str, str]:
    """Our own backbones, and those of torchvision whose weights are here: "ready", or what is
    missing. Weights of our own are read in full, and the network tried on one blank image."""
    states = {}
    for name in BUILT_IN:
        try:
            ensure_backbones([Features(backbone=name)])
            states[name] = "ready"
        except MemganError as error:
            states[name] = str(error)
    return {**states, **dict.fromkeys(_of_torchvision(), "ready")}


def _of_torchvision() -> list[str]:
    """Those of torchvision for which there is a file; which is not read, as it may be large."""
    folder = weights_folder()
    files = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    found = []
    for name in backbone_names():
        if name in BUILT_IN:
            continue
        own = {f"{name}.safetensors", f"{name}.pth"}
        url = backbone_named(name).url
        if files & (own | ({file_of(url)} if url else set())):
            found.append(name)
    return found
